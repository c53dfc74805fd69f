-- Purpose: the current time. Before 1.9, pg_stat_statements does not report when its counters began.
-- Minimum version: 13. Privileges: none. The extension's schema replaces public.
select pg_catalog.clock_timestamp() as taken_at, null::timestamptz as stats_reset, null::bigint as deallocations
