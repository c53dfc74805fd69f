-- Purpose: lets the next upgrade of the store begin.
-- Minimum version: 11. Privileges: none.
select pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('perf_monitoring.store', 0))
