-- Purpose: statements and their counters since these began, with whether a text is asked for or left out. "absent" provides a
-- column that an older version of pg_stat_statements (at least 1.8) lacks.
-- Minimum version: 13. Privileges: pg_read_all_stats for the statements of other roles; superuser where roles are given. The
-- extension's schema replaces public.
select
    case when @WithText::boolean then s.query else '' end as query,
    s.queryid,
    s.calls,
    s.total_exec_time,
    s.mean_exec_time,
    s.min_exec_time,
    s.max_exec_time,
    s.stddev_exec_time,
    s.rows,
    s.shared_blks_hit,
    s.shared_blks_read,
    s.temp_blks_written,
    s.shared_blks_read + s.shared_blks_written + s.temp_blks_read + s.temp_blks_written as all_blks,
    case when pg_catalog.current_setting('track_io_timing')::boolean then s.block_time end as block_time,
    s.toplevel as toplevel,
    r.rolname::text as user_name,
    d.datname::text as database_name,
    s.stats_since as since,
    pg_catalog.clock_timestamp() as until,
    s.userid,
    s.dbid,
    @Like::text[] is null or s.query ~* any (@Like::text[]) as is_asked_for,
    @ExcludeLike::text[] is not null and s.query ~* any (@ExcludeLike::text[]) as is_left_out
from (
    select
        null::boolean as toplevel, null::timestamptz as stats_since, null::float8 as blk_read_time,
        null::float8 as blk_write_time,
        null::float8 as shared_blk_read_time, null::float8 as shared_blk_write_time
) absent
-- One row for the session's own role, or one for each given role, which is in force until the end of the transaction. The server
-- converts the texts that a role may see, so a role that sees only its own statements reads them whatever others sent.
cross join lateral (
    select case when n.name is not null then pg_catalog.set_config('role', n.name, true) end as name
    from (
        select null::text as name where @Roles::text[] is null
        union all
        select u.name from pg_catalog.unnest(@Roles::text[]) u (name)
    ) n
    offset 0
) reader
cross join lateral (
    select
        q.query, q.queryid, q.userid, q.dbid, q.calls, q.rows, q.total_exec_time, q.mean_exec_time, q.min_exec_time,
        q.max_exec_time, q.stddev_exec_time,
        q.shared_blks_hit, q.shared_blks_read, q.shared_blks_written, q.temp_blks_read, q.temp_blks_written, toplevel,
        stats_since,
        coalesce(shared_blk_read_time, blk_read_time) + coalesce(shared_blk_write_time, blk_write_time) as block_time
    from public.pg_stat_statements(reader.name is null or reader.name <> '') q
) s
left join pg_catalog.pg_database d on d.oid = s.dbid
left join pg_catalog.pg_roles r on r.oid = s.userid
where s.queryid is not null
    and s.calls > 0
    and (reader.name is null or r.rolname = reader.name)
    and (case when @Databases::text[] is null then d.datname = pg_catalog.current_database()
        else d.datname::text ~* any (@Databases::text[]) end)
    and (@Users::text[] is null or r.rolname::text ~* any (@Users::text[]))
    -- Utility statements are left out.
    and s.query ~* '^(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(?:select|insert|update|delete|merge|with|values|table|prepare)\M'
    -- So are our own: those with our marker or the store's schema, and those by which Npgsql (any program's) and DbUp ask what
    -- the server has. From 18 on the server cuts comments before a statement.
    and pg_catalog.strpos(s.query, 'perf_monitoring') = 0
    and s.query !~ ('^\s*(?:SELECT version\(\)$|SELECT ns\.nspname, (?:t|a|typ_and_elem_type)\.'
        '|(?:--|/\*\*\*) Load (?:all supported types|enum fields|field definitions for )'
        '|SELECT (?:pg_type|typ)\.oid, (?:enumlabel|att\.attname, att\.atttypid)\M'
        '|select case\s+when pg_catalog\.to_regclass\(\$1\) is not null then \$2\s+else \$3\s+end$)')
