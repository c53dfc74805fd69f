-- Purpose: adds a monitored database to the list, or completes its entry. Group and tags stay where none are given.
-- Minimum version: 13. Privileges: insert, update and select on perf_monitoring.registered_database.
insert into {{store}}.registered_database as r (
    schema_name, system_identifier, database_oid, copy, database_name, group_name, tags)
values (
    @SchemaName::text, @SystemIdentifier::bigint, @DatabaseOid::bigint::oid, @Copy::int, @DatabaseName::text, @GroupName::text,
    coalesce(@Tags::text[], '{}'))
on conflict (schema_name) do update set
    system_identifier = coalesce(excluded.system_identifier, r.system_identifier),
    database_oid = coalesce(excluded.database_oid, r.database_oid),
    database_name = excluded.database_name,
    group_name = coalesce(@GroupName::text, r.group_name),
    tags = coalesce(@Tags::text[], r.tags)
