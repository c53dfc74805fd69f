-- Purpose: statements and their cost according to the log, in a time range.
-- Minimum version: 13. Privileges: select on the store's tables.
select
    q.query_pattern,
    q.query_hash,
    q.queryid,
    q.calls,
    q.total_time_ms,
    q.mean_time_ms,
    q.max_time_ms,
    q.total_time_ms / nullif(pg_catalog.sum(q.total_time_ms) over (), 0) as time_share,
    q.rows,
    q.shared_blocks_hit,
    q.shared_blocks_read,
    q.temp_blocks_written,
    q.block_time_ms,
    q.toplevel,
    q.database_user,
    q.database_users,
    q.database_name,
    q.since,
    q.until
from (
    select
        l.query_hash,
        pg_catalog.min(l.query_pattern) as query_pattern,
        case when pg_catalog.min(i.queryid) = pg_catalog.max(i.queryid) then pg_catalog.min(i.queryid) end as queryid,
        pg_catalog.sum(coalesce(i.calls, 1))::bigint as calls,
        pg_catalog.sum(coalesce(i.total_time_ms, l.execution_time_ms::float8)) as total_time_ms,
        pg_catalog.sum(coalesce(i.total_time_ms, l.execution_time_ms::float8))
            / pg_catalog.sum(coalesce(i.calls, 1))::float8 as mean_time_ms,
        case when pg_catalog.bool_and(i.id is null) then pg_catalog.max(l.execution_time_ms)::float8 end as max_time_ms,
        pg_catalog.max(l.execution_time_ms)::float8 as highest_time_ms,
        pg_catalog.sum(coalesce(i.rows, l.rows_returned))::bigint as rows,
        case when pg_catalog.bool_and(i.id is not null) then pg_catalog.sum(i.shared_blocks_hit)::bigint end as shared_blocks_hit,
        case when pg_catalog.bool_and(i.id is not null)
            then pg_catalog.sum(i.shared_blocks_read)::bigint end as shared_blocks_read,
        case when pg_catalog.bool_and(i.id is not null)
            then pg_catalog.sum(i.temp_blocks_written)::bigint end as temp_blocks_written,
        case when pg_catalog.bool_and(i.block_time_ms is not null) then pg_catalog.sum(i.block_time_ms) end as block_time_ms,
        case when pg_catalog.bool_and(i.toplevel) = pg_catalog.bool_or(i.toplevel)
            then pg_catalog.bool_and(i.toplevel) end as toplevel,
        case when pg_catalog.min(l.database_user) = pg_catalog.max(l.database_user)
            then pg_catalog.min(l.database_user) end as database_user,
        pg_catalog.array_agg(distinct l.database_user::text) as database_users,
        @DatabaseName::text as database_name,
        pg_catalog.min(coalesce(i.interval_start, l.executed_at)) as since,
        pg_catalog.max(l.executed_at) as until
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
        and (@Databases::text[] is null or @DatabaseName::text ~* any (@Databases::text[]))
        and (@Users::text[] is null or l.database_user ~* any (@Users::text[]))
        and (@Like::text[] is null or l.query_pattern ~* any (@Like::text[]))
        and (@ExcludeLike::text[] is null or not l.query_pattern ~* any (@ExcludeLike::text[]))
    group by l.query_hash
) q
where q.mean_time_ms >= @MinimumMeanMs::float8
    and q.calls >= @MinimumCalls::bigint
order by
    case @OrderBy::text
        when 'Mean' then q.mean_time_ms
        when 'Max' then q.highest_time_ms
        when 'Calls' then q.calls::float8
        when 'Rows' then q.rows::float8
        when 'IO' then (coalesce(q.shared_blocks_read, 0) + coalesce(q.temp_blocks_written, 0))::float8
        else q.total_time_ms
    end desc,
    q.query_hash
limit @Top::bigint
