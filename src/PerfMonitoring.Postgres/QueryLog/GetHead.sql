-- Purpose: the time of the last reading of the counters; locks the row until the end of the transaction.
-- Minimum version: 13. Privileges: select and update on perf_monitoring.query_statistics_head.
select h.taken_at, h.stats_reset, h.deallocations
from {{store}}.query_statistics_head h
for update
