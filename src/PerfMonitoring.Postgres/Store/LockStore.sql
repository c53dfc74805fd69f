-- Purpose: one upgrade of the store at a time.
-- Minimum version: 11. Privileges: none.
select pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended('perf_monitoring.store', 0))
