-- Purpose: the moment. Before 1.9, pg_stat_statements does not tell when its counters began.
-- Minimum version: 13. Privileges: none. The extension's schema is put in place of public.
select pg_catalog.clock_timestamp() as taken_at, null::timestamptz as stats_reset, null::bigint as deallocations
