-- Purpose: the counters of the current database's statements; no utility statements, none of the product's own. The extension's schema
-- is put in place of public.
-- Minimum version: 17, with pg_stat_statements 1.11. Privileges: select on the view; pg_read_all_stats for other roles' statements.
select
    s.queryid as query_id,
    s.userid as user_id,
    s.toplevel as top_level,
    s.calls,
    s.total_exec_time as total_time_ms,
    s.stats_since as counted_since
from public.pg_stat_statements s
join pg_catalog.pg_database d on d.oid = s.dbid
where d.datname = pg_catalog.current_database()
    and s.queryid is not null
    and s.calls > 0
    and s.query ~* '^(\s|\(|/\*.*?\*/|--[^\n]*\n)*(select|insert|update|delete|merge|with|values|table)\M'
    and pg_catalog.strpos(s.query, @Marker::text) = 0
order by s.queryid, s.userid, s.toplevel
