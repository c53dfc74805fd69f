-- Purpose: the normalised text of a statement. The extension's schema replaces public.
-- Minimum version: 13, with pg_stat_statements 1.8. Privileges: select on the view; pg_read_all_stats for other roles'
-- statements.
select s.query
from public.pg_stat_statements s
join pg_catalog.pg_database d on d.oid = s.dbid
where d.datname = pg_catalog.current_database()
    and s.queryid = @QueryId::bigint
    and s.userid = @UserId::bigint::oid
order by s.calls desc
limit 1
