-- Purpose: deletes the figures of rows of the log before a given time.
-- Minimum version: 13. Privileges: delete on perf_monitoring.query_performance_interval.
delete from {{store}}.query_performance_interval
where interval_end < @Before::timestamptz
