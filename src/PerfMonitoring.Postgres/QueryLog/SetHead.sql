-- Purpose: stores the time of the reading of the counters.
-- Minimum version: 13. Privileges: update on perf_monitoring.query_statistics_head.
update {{store}}.query_statistics_head
set taken_at = @TakenAt::timestamptz, stats_reset = @StatsReset::timestamptz, deallocations = @Deallocations::bigint
