-- Purpose: statements and their cost since their counters began. "absent" provides a column that an older version of
-- pg_stat_statements (at least 1.8) lacks.
-- Minimum version: 13. Privileges: pg_read_all_stats for the statements of other roles. The extension's schema replaces public.
select
    case when @WithText::boolean then s.query else '' end as query,
    s.queryid,
    s.calls,
    s.total_exec_time,
    s.mean_exec_time,
    s.min_exec_time,
    s.max_exec_time,
    s.stddev_exec_time,
    s.total_exec_time / nullif(pg_catalog.sum(s.total_exec_time) over (), 0) as time_share,
    s.rows,
    s.shared_blks_hit,
    s.shared_blks_read,
    s.temp_blks_written,
    case when pg_catalog.current_setting('track_io_timing')::boolean then s.block_time end as block_time,
    s.toplevel as toplevel,
    r.rolname::text as user_name,
    d.datname::text as database_name,
    s.stats_since as since,
    pg_catalog.clock_timestamp() as until,
    s.userid,
    s.dbid
from (
    select
        null::boolean as toplevel, null::timestamptz as stats_since, null::float8 as blk_read_time,
        null::float8 as blk_write_time,
        null::float8 as shared_blk_read_time, null::float8 as shared_blk_write_time
) absent
cross join lateral (
    select
        q.query, q.queryid, q.userid, q.dbid, q.calls, q.rows, q.total_exec_time, q.mean_exec_time, q.min_exec_time,
        q.max_exec_time, q.stddev_exec_time,
        q.shared_blks_hit, q.shared_blks_read, q.shared_blks_written, q.temp_blks_read, q.temp_blks_written, toplevel,
        stats_since,
        coalesce(shared_blk_read_time, blk_read_time) + coalesce(shared_blk_write_time, blk_write_time) as block_time
    from public.pg_stat_statements q
) s
left join pg_catalog.pg_database d on d.oid = s.dbid
left join pg_catalog.pg_roles r on r.oid = s.userid
where s.queryid is not null
    and s.calls > 0
    and (case when @Databases::text[] is null then d.datname = pg_catalog.current_database()
        else d.datname::text ~* any (@Databases::text[]) end)
    and (@Users::text[] is null or r.rolname::text ~* any (@Users::text[]))
    and s.mean_exec_time >= @MinimumMeanMs::float8
    and s.calls >= @MinimumCalls::bigint
    -- Leaves out utility statements, the statements of this module and of its store, and those that the driver sends when it
    -- connects.
    and s.query ~* '^(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(?:select|insert|update|delete|merge|with|values|table|prepare)\M'
    and pg_catalog.strpos(s.query, 'perf_monitoring') = 0
    and s.query !~ '^\s*(?:SELECT version\(\)$|SELECT ns\.nspname, t\.oid, t\.typname, t\.typtype'
        '|-- Load enum fields|-- Load field definitions for)'
    and (@Like::text[] is null or s.query ~* any (@Like::text[]))
    and (@ExcludeLike::text[] is null or not s.query ~* any (@ExcludeLike::text[]))
order by
    case @OrderBy::text
        when 'Mean' then s.mean_exec_time
        when 'Max' then s.max_exec_time
        when 'Calls' then s.calls::float8
        when 'Rows' then s.rows::float8
        when 'IO' then (s.shared_blks_read + s.shared_blks_written + s.temp_blks_read + s.temp_blks_written)::float8
        else s.total_exec_time
    end desc,
    s.queryid,
    s.userid,
    s.dbid,
    s.toplevel
limit @Top::bigint
