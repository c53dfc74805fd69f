-- Purpose: says to MarkIndex.sql which index it shall mark and how, since a block takes no parameters. It waits for a moment
-- only: a mark is not worth more.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('lock_timeout', '2s', false),
    pg_catalog.set_config('perf_monitoring.index', @Index::text, false),
    pg_catalog.set_config('perf_monitoring.mark', @Mark::text, false)
