-- Purpose: the rights of the session's user over the server as a whole. Code that runs with these rights could abuse them.
-- Minimum version: 13. Privileges: none.
select p.name
from pg_catalog.pg_roles me
cross join lateral (
    select 'superuser' as name, 0 as place where me.rolsuper
    union all
    select 'createrole', 1 where me.rolcreaterole and not me.rolsuper
    union all
    select 'replication', 2 where me.rolreplication and not me.rolsuper
    union all
    select 'bypassrls', 3 where me.rolbypassrls and not me.rolsuper
    union all
    select r.rolname::text, 4
    from pg_catalog.pg_roles r
    where r.rolname in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
        and not me.rolsuper and pg_catalog.pg_has_role(me.oid, r.oid, 'member')
) p
where me.rolname = session_user
order by p.place, p.name
