-- Purpose: how many rows were inserted, updated and deleted in each user table, how many it holds, and how long the counters have
-- counted. Leaves count for their partitioned table. A database without a reset has no start time: see Usage/GetUsageState.
-- Minimum version: 13. Privileges: none.
select
    n.nspname::text as schema_name,
    c.relname::text as table_name,
    pg_catalog.sum(s.n_tup_ins)::float8 as inserts,
    pg_catalog.sum(s.n_tup_upd)::float8 as updates,
    pg_catalog.sum(s.n_tup_hot_upd)::float8 as hot_updates,
    pg_catalog.sum(s.n_tup_del)::float8 as deletes,
    pg_catalog.sum(s.n_live_tup)::float8 as rows,
    extract(epoch from pg_catalog.clock_timestamp() - r.since)::float8 as age_seconds
from pg_catalog.pg_stat_user_tables s
join pg_catalog.pg_class c on c.oid = coalesce(pg_catalog.pg_partition_root(s.relid)::oid, s.relid)
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join (
    select coalesce(
        (select d.stats_reset from pg_catalog.pg_stat_database d where d.datname = pg_catalog.current_database()),
        (select b.stats_reset from pg_catalog.pg_stat_bgwriter b)) as since
) r
where s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0 and n.nspname !~ '^perf_monitoring(_.*_[0-9a-f]{8})?$'
group by n.nspname, c.relname, r.since
order by n.nspname, c.relname
