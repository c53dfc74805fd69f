-- Purpose: forgets the figures behind the rows of the log that are older than a moment.
-- Minimum version: 13. Privileges: delete on perf_monitoring.query_performance_interval.
delete from perf_monitoring.query_performance_interval
where interval_end < @Before::timestamptz
