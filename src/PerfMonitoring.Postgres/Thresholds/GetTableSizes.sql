-- Purpose: the size of every table with indexes and TOAST, the largest first. Partitions count for their root. The store's own
-- tables are left out.
-- Minimum version: 13. Privileges: none.
select
    n.nspname::text as schema_name,
    c.relname::text as table_name,
    coalesce(pg_catalog.sum(pg_catalog.pg_total_relation_size(l.oid)), 0)::bigint as bytes,
    pg_catalog.clock_timestamp() as taken_at
from pg_catalog.pg_class l
join pg_catalog.pg_class c on c.oid = coalesce(pg_catalog.pg_partition_root(l.oid)::oid, l.oid)
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where l.relkind in ('r', 'm') and l.relpersistence <> 't'
    and n.nspname !~ '^(pg_|information_schema$|perf_monitoring(_.*_[0-9a-f]{8})?$)'
group by n.nspname, c.relname
order by bytes desc, n.nspname, c.relname
