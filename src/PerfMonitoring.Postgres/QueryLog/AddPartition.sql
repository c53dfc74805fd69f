-- Purpose: creates the partitions of a week before its rows come. A reader of the log may hold the lock that this needs, so the
-- wait for it is short.
-- Minimum version: 13. Privileges: execute on perf_monitoring.add_query_log_partition.
with waiting as (select pg_catalog.set_config('lock_timeout', '2s', true))
select {{store}}.add_query_log_partition(@At::timestamptz)::text from waiting
