-- Purpose: the start time of the database's counters, and the number of filled tables without planner statistics. A database
-- without a reset has no start time; the cluster's oldest counters are then an upper limit of the age.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.clock_timestamp() as now,
    coalesce(d.stats_reset, (select b.stats_reset from pg_catalog.pg_stat_bgwriter b)) as reset_at,
    (
        select pg_catalog.count(1)
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'm') and c.relpersistence <> 't'
            and n.nspname !~ '^(pg_|information_schema$|perf_monitoring(_.*_[0-9a-f]{8})?$)'
            and (c.reltuples < 0 or c.relpages = 0)
            and pg_catalog.pg_relation_size(c.oid) > 0
    ) as never_analyzed
from pg_catalog.pg_stat_database d
where d.datname = pg_catalog.current_database()
