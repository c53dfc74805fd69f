-- Purpose: lets the next builder begin.
-- Minimum version: 13. Privileges: none.
select pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('perf_monitoring.index_creation', 0))
