-- Purpose: the moment, when the counters of pg_stat_statements began, and how often it gave up entries for want of room.
-- Minimum version: 14 (pg_stat_statements 1.9). Privileges: none. The extension's schema is put in place of public.
select pg_catalog.clock_timestamp() as taken_at, i.stats_reset, i.dealloc as deallocations
from public.pg_stat_statements_info i
