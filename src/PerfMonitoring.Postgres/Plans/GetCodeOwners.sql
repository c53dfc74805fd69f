-- Purpose: the owners of code (functions in SQL or a procedural language, foreign tables), and whether they are trusted. The
-- session's user may run the code of a trusted owner without giving that owner new rights. Trusted are superusers, roles that can
-- become a superuser or the session's user, and roles that the session's user is a member of, if it has no more rights than they
-- have (monitoring rights do not count).
-- Minimum version: 13. Privileges: none.
with me as (
    select r.oid, r.rolsuper or r.rolcreaterole or r.rolreplication or r.rolbypassrls as is_strong
    from pg_catalog.pg_roles r
    where r.rolname = session_user
),
owners as (
    select p.proowner as oid from pg_catalog.pg_proc p where p.oid >= 16384 and p.prolang not in (12, 13)
    union
    select c.relowner from pg_catalog.pg_class c where c.relkind = 'f'
    union
    select s.srvowner from pg_catalog.pg_foreign_server s
    union
    -- These roles are trusted even if they own no code.
    select r.oid from pg_catalog.pg_roles r where r.rolsuper or r.rolname = session_user
)
select
    o.oid,
    pg_catalog.pg_has_role(o.oid, me.oid, 'member')
    or exists (select from pg_catalog.pg_roles s where s.rolsuper and pg_catalog.pg_has_role(o.oid, s.oid, 'member'))
    or (
        not me.is_strong
        and pg_catalog.pg_has_role(me.oid, o.oid, 'member')
        and not exists (
            select from pg_catalog.pg_roles s
            where s.oid <> me.oid and pg_catalog.pg_has_role(me.oid, s.oid, 'member')
                and not pg_catalog.pg_has_role(o.oid, s.oid, 'member')
                and s.rolname not in ('pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables')
        )
    ) as is_trusted
from owners o
cross join me
