-- Purpose: the moment, and when the counters of pg_stat_statements began (from 1.9 on).
-- Minimum version: 13. Privileges: none. The extension's schema is put in place of public.
select pg_catalog.clock_timestamp() as taken_at, null::timestamptz as stats_reset, null::bigint as deallocations
