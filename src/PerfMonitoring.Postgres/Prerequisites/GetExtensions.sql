-- Purpose: whether extensions are available, created, and usable by this role.
-- Minimum version: 13. Privileges: none.
select
    n.name,
    e.extversion as installed_version,
    a.default_version as available_version,
    s.nspname::text as schema,
    coalesce(
        pg_catalog.has_schema_privilege(s.oid, 'usage')
            and (c.oid is null or pg_catalog.has_table_privilege(c.oid, 'select')), false) as is_usable
from pg_catalog.unnest(@Names::text[]) as n (name)
left join pg_catalog.pg_extension e on e.extname = n.name
left join pg_catalog.pg_available_extensions() a on a.name = n.name
left join pg_catalog.pg_namespace s on s.oid = e.extnamespace
left join pg_catalog.pg_class c on c.relnamespace = s.oid and c.relname = n.name and c.relkind = 'v'
where e.oid is not null or a.name is not null
order by n.name
