-- Purpose: forgets the rows of the log that are older than a moment.
-- Minimum version: 13. Privileges: delete on perf_monitoring.query_performance_log.
delete from perf_monitoring.query_performance_log
where executed_at < @Before::timestamptz
