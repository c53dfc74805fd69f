-- Purpose: the partitions of the log, how many rows each has, how many of these are before a given time, and which partitions can
-- be dropped.
-- Minimum version: 13. Privileges: select on perf_monitoring.query_performance_log.
with partition as materialized (
    select
        c.relname::text as name,
        case when c.relname ~ '^query_performance_log_\d{8}$'
            then pg_catalog.to_timestamp(pg_catalog.right(c.relname, 8) || '+00', 'YYYYMMDDTZH') end as week
    from pg_catalog.pg_inherits h
    join pg_catalog.pg_class c on c.oid = h.inhrelid
    where h.inhparent = '{{store}}.query_performance_log'::regclass
),
bounded as materialized (
    select p.name, p.week, {{store}}.uuid_v7_floor(p.week) as low, {{store}}.uuid_v7_floor(p.week + interval '168 hours') as high
    from partition p
)
select b.name, l.rows, l.old_rows, coalesce(b.week + interval '168 hours' <= @Before::timestamptz, false) as is_past
from bounded b
cross join lateral (
    select pg_catalog.count(*) as rows, pg_catalog.count(*) filter (where e.executed_at < @Before::timestamptz) as old_rows
    from {{store}}.query_performance_log e
    where e.id >= b.low and e.id < b.high
) l
where b.week is not null
union all
select 'query_performance_log_default', pg_catalog.count(*),
    pg_catalog.count(*) filter (where d.executed_at < @Before::timestamptz), false
from {{store}}.query_performance_log_default d
order by name
