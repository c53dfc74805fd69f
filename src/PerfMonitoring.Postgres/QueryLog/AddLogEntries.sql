-- Purpose: adds rows to the log, one for each statement that ran in an interval.
-- Minimum version: 13. Privileges: insert on perf_monitoring.query_performance_log.
insert into {{store}}.query_performance_log (
    id, query_hash, query_pattern, execution_time_ms, rows_examined, rows_returned, indexes_used, execution_plan, used_index,
    is_slow_query,
    slow_query_threshold_ms, database_user, application_context, executed_at)
select
    e.id, e.query_hash, e.query_pattern, e.execution_time_ms, e.rows_examined, e.rows_returned, e.indexes_used::jsonb,
    e.execution_plan::jsonb,
    e.used_index, e.is_slow_query, @ThresholdMs::numeric, e.database_user, pg_catalog.left(@Context::text, 100),
    @ExecutedAt::timestamptz
from unnest(
    @Ids::uuid[], @Hashes::text[], @Patterns::text[], @Times::numeric[], @RowsExamined::bigint[], @RowsReturned::bigint[],
    @IndexesUsed::text[], @Plans::text[], @UsedIndex::boolean[], @IsSlow::boolean[], @Users::text[])
    as e (id, query_hash, query_pattern, execution_time_ms, rows_examined, rows_returned, indexes_used, execution_plan,
        used_index,
        is_slow_query, database_user)
