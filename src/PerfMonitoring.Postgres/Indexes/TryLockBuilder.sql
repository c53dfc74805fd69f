-- Purpose: one builder at a time in a database; false while another has the lock. It does not wait: waiting would hold a snapshot
-- that CREATE INDEX CONCURRENTLY of the other waits for.
-- Minimum version: 13. Privileges: none.
select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('perf_monitoring.index_creation', 0))
