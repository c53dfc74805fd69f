-- Purpose: whether extensions are available and created.
-- Minimum version: 13. Privileges: none.
select
    n.name,
    e.extversion as installed_version,
    a.default_version as available_version,
    s.nspname::text as schema
from pg_catalog.unnest(@Names::text[]) as n (name)
left join pg_catalog.pg_extension e on e.extname = n.name
left join pg_catalog.pg_available_extensions() a on a.name = n.name
left join pg_catalog.pg_namespace s on s.oid = e.extnamespace
where e.oid is not null or a.name is not null
order by n.name
