-- Purpose: the given rights that this role lacks, by their position in the list. Rights on missing objects are left out.
-- Minimum version: 13. Privileges: none.
select g.place::int - 1
from unnest(@Kinds::text[], @Schemas::text[], @Names::text[], @Privileges::text[])
    with ordinality as g (kind, schema, name, privilege, place)
left join pg_catalog.pg_namespace n on n.nspname = g.schema
where case g.kind
    when 'ROLE' then exists (select from pg_catalog.pg_roles r where r.rolname = g.name
        and not pg_catalog.pg_has_role(r.oid, 'usage'))
    when 'DATABASE' then not pg_catalog.has_database_privilege(pg_catalog.current_database(), g.privilege)
    when 'SCHEMA' then n.oid is not null and not pg_catalog.has_schema_privilege(n.oid, g.privilege)
    when 'TABLE' then exists (
        select from pg_catalog.pg_class c
        where c.relnamespace = n.oid and c.relname = g.name and not pg_catalog.has_table_privilege(c.oid, g.privilege))
    when 'EVERY_TABLE' then exists (
        select from pg_catalog.pg_class c
        where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'm', 'v', 'f') and not c.relispartition
            and not pg_catalog.has_table_privilege(c.oid, g.privilege))
    when 'FUNCTION' then exists (
        select from pg_catalog.pg_proc p
        where p.pronamespace = n.oid and p.proname = g.name and not pg_catalog.has_function_privilege(p.oid, 'execute'))
    when 'TYPE' then exists (
        select from pg_catalog.pg_type t
        where t.typnamespace = n.oid and t.typname = g.name and not pg_catalog.has_type_privilege(t.oid, 'usage'))
    end
order by g.place
