-- Purpose: the squares of run times, from which the deviation of a statement in an interval follows.
-- Minimum version: 13. Privileges: owner of the store.
alter table perf_monitoring.query_statistics add column squared_time double precision;
alter table perf_monitoring.query_performance_interval add column squared_time double precision;
comment on column perf_monitoring.query_performance_interval.squared_time is
    'The sum of the squares of the run times, in square milliseconds; null in rows of before this column was there.';
