-- Purpose: the monitored databases of a store for many, and where each was seen last.
-- Minimum version: 13. Privileges: select on perf_monitoring.registered_database and perf_monitoring.database_sighting.
select
    r.schema_name,
    r.system_identifier,
    r.database_oid::bigint as database_oid,
    r.copy,
    r.database_name,
    r.group_name,
    r.tags,
    r.registered_at,
    s.host_name,
    s.port,
    s.addresses,
    s.server_started_at,
    s.timeline,
    s.seen_at
from {{store}}.registered_database r
left join {{store}}.database_sighting s on s.schema_name = r.schema_name
where (@SystemIdentifier::bigint is null or r.system_identifier = @SystemIdentifier::bigint or r.system_identifier is null)
    and (@DatabaseName::text is null or r.database_name = @DatabaseName::text or r.database_oid = @DatabaseOid::bigint::oid)
order by r.schema_name
