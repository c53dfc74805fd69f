-- Purpose: the roles that ran statements in databases of this encoding only, where the session may become them and they see only
-- their own statements; and how many statements of the asked databases belong to other roles.
-- Minimum version: 13. Privileges: none; the result has no roles for others than a superuser. The extension's schema replaces
-- public.
with statements as materialized (
    select s.userid, r.rolname::text as role, d.datname as name, d.encoding
    from public.pg_stat_statements(false) s
    left join pg_catalog.pg_database d on d.oid = s.dbid
    left join pg_catalog.pg_roles r on r.oid = s.userid
),
separate as (
    select s.userid, s.role
    from statements s
    where pg_catalog.current_setting('is_superuser')::boolean
        and s.role is not null
    group by s.userid, s.role
    having not pg_catalog.pg_has_role(s.userid, 'pg_read_all_stats', 'usage')
        and pg_catalog.bool_and(coalesce(s.encoding = (select o.encoding from pg_catalog.pg_database o
            where o.datname = pg_catalog.current_database()), false))
)
select
    array(select p.role from separate p order by p.role) as roles,
    (
        select pg_catalog.count(*)
        from statements s
        where not exists (select from separate p where p.userid = s.userid)
            and (case when @Databases::text[] is null then s.name = pg_catalog.current_database()
                else s.name::text ~* any (@Databases::text[]) end)
            and (@Users::text[] is null or s.role ~* any (@Users::text[]))
    ) as unread
