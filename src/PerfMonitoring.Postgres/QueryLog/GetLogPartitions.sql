-- Purpose: the partitions of the log, how many rows each has, how many of these are before a given time, and which partitions can
-- be dropped.
-- Minimum version: 13. Privileges: select on perf_monitoring.query_performance_log.
select
    c.relname::text as name,
    pg_catalog.count(l.id) as rows,
    pg_catalog.count(l.id) filter (where l.executed_at < @Before::timestamptz) as old_rows,
    case when c.relname ~ '^query_performance_log_\d{8}$'
        then pg_catalog.to_timestamp(pg_catalog.right(c.relname, 8) || '+00',
            'YYYYMMDDTZH') + interval '168 hours' <= @Before::timestamptz
        else false
    end as is_past
from pg_catalog.pg_inherits h
join pg_catalog.pg_class c on c.oid = h.inhrelid
left join {{store}}.query_performance_log l on l.tableoid = c.oid
where h.inhparent = '{{store}}.query_performance_log'::regclass
group by c.relname
order by c.relname
