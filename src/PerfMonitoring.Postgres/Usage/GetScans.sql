-- Purpose: the stored scans of the indexes of a database since a given time, the latest first. The counts of each server are
-- stored since the migration that added them; older rows have the counts of one server.
-- Minimum version: 13. Privileges: select on the tables of schema perf_monitoring that it reads.
select
    d.index_oid,
    u.last_analyzed as at,
    case when 'total_scans' <> all (d.unknown_columns) then u.total_scans end as scans,
    d.counters_since as since,
    d.last_scan,
    pg_catalog.to_jsonb(d) ->> 'counts' as counts
from perf_monitoring.index_usage_detail d
join perf_monitoring.index_usage_stats u on u.id = d.index_usage_id
join perf_monitoring.index_strategy_detail i on i.index_strategy_id = u.index_strategy_id
join perf_monitoring.monitored_database m on m.id = i.monitored_database_id
where m.server_identity = @ServerIdentity::text
    and m.database_name = @DatabaseName::text
    and u.stats_date >= (@Since::timestamptz at time zone 'utc')::date
order by u.last_analyzed desc, d.index_oid
