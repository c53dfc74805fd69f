-- Purpose: makes the partitions for the rows of one monitored database that are about to move.
-- Minimum version: 13. Privileges: owner of the store.
select {{store}}.add_query_log_partition(w.week)::text
from (
    select distinct pg_catalog.date_trunc('week', i.interval_end, 'UTC') as week
    from {{from}}.query_performance_interval i
    where i.monitored_database_id = @Id::uuid
) w
