-- Purpose: the current time, the start time of the counters of pg_stat_statements, and how often it dropped entries because it
-- was full.
-- Minimum version: 14 (pg_stat_statements 1.9). Privileges: none. The extension's schema replaces public.
select pg_catalog.clock_timestamp() as taken_at, i.stats_reset, i.dealloc as deallocations
from public.pg_stat_statements_info i
