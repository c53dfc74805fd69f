-- Purpose: locks the store for one upgrade at a time; false while another upgrade runs.
-- Minimum version: 11. Privileges: none.
select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('perf_monitoring.store', 0))
