-- Purpose: drops the partitions of a week that retention has emptied of what is to stay.
-- Minimum version: 13. Privileges: execute on perf_monitoring.drop_query_log_partition.
select perf_monitoring.drop_query_log_partition(@At::timestamptz)::text
