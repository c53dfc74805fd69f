-- Purpose: drops the partitions of a week in which retention has left no rows to keep.
-- Minimum version: 13. Privileges: execute on perf_monitoring.drop_query_log_partition.
select {{store}}.drop_query_log_partition(@At::timestamptz)::text
