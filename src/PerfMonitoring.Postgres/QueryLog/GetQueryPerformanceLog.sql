-- Purpose: rows of the log, the latest first. Ids are made from executed_at, so a limit on time is also a limit on ids, and the
-- server skips other partitions. Rows in the default partition may have any id.
-- Minimum version: 13. Privileges: select on the store's tables.
select
    l.id,
    l.query_hash,
    l.query_pattern,
    l.execution_time_ms::float8,
    case when i.id is null or i.rows_examined_is_estimate is not null then l.rows_examined end as rows_examined,
    i.rows_examined_is_estimate,
    l.rows_returned,
    l.indexes_used::text,
    l.execution_plan::text,
    case when l.used_index or l.execution_plan is not null or i.id is null then l.used_index end as used_index,
    l.is_slow_query,
    l.slow_query_threshold_ms::float8,
    l.database_user,
    l.application_context,
    l.executed_at,
    i.queryid,
    i.calls,
    i.total_time_ms,
    i.interval_start
from {{store}}.query_performance_log l
left join {{store}}.query_performance_interval i on i.id = l.id
where (@Since::timestamptz is null or l.executed_at >= @Since::timestamptz)
    and (@Until::timestamptz is null or l.executed_at < @Until::timestamptz)
    and l.id >= (
        select case
            when @Since::timestamptz is null or exists (select from {{store}}.query_performance_log_default)
            then '00000000-0000-0000-0000-000000000000'::uuid
            else {{store}}.uuid_v7_floor(@Since::timestamptz)
        end)
    and (@QueryHash::text[] is null or l.query_hash = any (@QueryHash::text[]))
    and (@Users::text[] is null or l.database_user ~* any (@Users::text[]))
    and (not @SlowOnly::boolean or l.is_slow_query)
    and l.execution_time_ms >= @MinimumMs::numeric
order by l.id desc
limit @First::bigint
