-- Purpose: locks the stores of this database for one upgrade at a time, until the end of the transaction; false while another
-- upgrade runs.
-- Minimum version: 11. Privileges: none.
select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('perf_monitoring.store', 0))
