-- Purpose: the first of some roles that the session's user may become, with the role's search path in this database; null if that
-- is the path of the session's user.
-- Minimum version: 13. Privileges: none.
select r.rolname::text as role, case when r.rolname <> session_user then p.path end as search_path
from pg_catalog.unnest(@Roles::text[]) with ordinality w (name, place)
join pg_catalog.pg_roles r on r.rolname = w.name
cross join lateral (
    select
        case
            -- A path set for the database, for all roles or in a file is also the path of the session's user, unless that role
            -- alone has another one.
            when p.own is not null then p.own
            when p.mine is not null then coalesce(p.common, '"$user", public')
        end as path
    from (
        select
            (pg_catalog.array_agg(s.path order by s.setdatabase desc) filter (where s.setrole = r.oid))[1] as own,
            (pg_catalog.array_agg(s.path order by s.setdatabase desc) filter (where s.setrole = u.oid))[1] as mine,
            (pg_catalog.array_agg(s.path order by s.setdatabase desc) filter (where s.setrole = 0))[1] as common
        from pg_catalog.pg_roles u
        left join (
            select s.setrole, s.setdatabase, pg_catalog.substr(c.setting, 13) as path
            from pg_catalog.pg_db_role_setting s
            cross join lateral pg_catalog.unnest(s.setconfig) c (setting)
            where c.setting like 'search_path=%'
                and s.setdatabase in (0,
                    (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
        ) s on true
        where u.rolname = session_user
    ) p
) p
where r.rolname = session_user
    or pg_catalog.pg_has_role(session_user, r.oid,
        case when pg_catalog.current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end)
order by w.place
limit 1
