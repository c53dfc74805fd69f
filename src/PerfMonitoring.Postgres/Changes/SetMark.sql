-- Purpose: passes to MarkIndex.sql which index to mark and how, because a DO block takes no parameters. The wait for the lock is
-- short, because a mark is not worth a longer one.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('lock_timeout', '2s', false),
    pg_catalog.set_config('perf_monitoring.index', @Index::text, false),
    pg_catalog.set_config('perf_monitoring.mark', @Mark::text, false)
