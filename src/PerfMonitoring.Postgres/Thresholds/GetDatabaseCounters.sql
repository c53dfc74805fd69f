-- Purpose: the cumulative counters of the current database.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.clock_timestamp() as taken_at,
    pg_catalog.pg_is_in_recovery() as is_standby,
    d.stats_reset as reset_at,
    d.xact_commit + d.xact_rollback as transactions,
    d.deadlocks
from pg_catalog.pg_stat_database d
where d.datname = pg_catalog.current_database()
