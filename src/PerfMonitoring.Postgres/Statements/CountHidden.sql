-- Purpose: the number of other roles' statements that this role may not read; the server hides their queryid.
-- Minimum version: 13. Privileges: none. The extension's schema replaces public.
select pg_catalog.count(*)
from public.pg_stat_statements(false) s
left join pg_catalog.pg_database d on d.oid = s.dbid
left join pg_catalog.pg_roles r on r.oid = s.userid
where s.queryid is null
    and (case when @Databases::text[] is null then d.datname = pg_catalog.current_database()
        else d.datname::text ~* any (@Databases::text[]) end)
    and (@Users::text[] is null or r.rolname::text ~* any (@Users::text[]))
