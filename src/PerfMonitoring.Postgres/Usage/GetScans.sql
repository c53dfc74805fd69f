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
from {{store}}.index_usage_detail d
join {{store}}.index_usage_stats u on u.id = d.index_usage_id
where u.stats_date >= (@Since::timestamptz at time zone 'utc')::date
order by u.last_analyzed desc, d.index_oid
