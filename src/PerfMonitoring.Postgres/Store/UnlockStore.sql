-- Purpose: releases the lock, so that the next upgrade of the store can begin.
-- Minimum version: 11. Privileges: none.
select pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('perf_monitoring.store', 0))
