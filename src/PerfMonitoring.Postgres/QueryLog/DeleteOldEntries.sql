-- Purpose: deletes the rows of the log before a given time.
-- Minimum version: 13. Privileges: delete on perf_monitoring.query_performance_log.
delete from {{store}}.query_performance_log
where executed_at < @Before::timestamptz
