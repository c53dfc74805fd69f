-- Purpose: the objects that names outside of pg_catalog can mean along a search path, or in the schema that qualifies them, and
-- whether the owner of each has enough rights. An index's expression runs with the rights of others, so the owner must be a
-- superuser, the owner of the table, or the role itself.
-- Minimum version: 13. Privileges: none.
select
    w.kind as kind,
    n.nspname::text as schema_name,
    w.name as name,
    w.schema_name is not null as is_explicit,
    exists (
        select 1
        from pg_catalog.pg_proc p
        where w.kind = 'Function' and p.proname = w.name and p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
    ) as is_built_in,
    pg_catalog.pg_get_userbyid(o.owner)::text as owner,
    not exists (
        select 1
        from pg_catalog.pg_roles r
        where r.oid in (o.owner, o.second_owner) and not r.rolsuper and r.oid not in (t.relowner, u.oid)
    ) as is_trusted
from rows
    from (pg_catalog.unnest(@Kinds::text[]), pg_catalog.unnest(@SchemaNames::text[]), pg_catalog.unnest(@Names::text[])) w (kind,
        schema_name, name)
cross join lateral (
    select p.pronamespace as namespace, p.proowner as owner, null::oid as second_owner
    from pg_catalog.pg_proc p
    where w.kind = 'Function' and p.proname = w.name
    union all
    select p.oprnamespace, p.oprowner, f.proowner
    from pg_catalog.pg_operator p
    left join pg_catalog.pg_proc f on f.oid = p.oprcode
    where w.kind = 'Operator' and p.oprname = w.name
    union all
    select p.typnamespace, p.typowner, null
    from pg_catalog.pg_type p
    where w.kind = 'Type' and p.typname = w.name
    union all
    select p.collnamespace, p.collowner, null
    from pg_catalog.pg_collation p
    where w.kind = 'Collation' and p.collname = w.name
) o
join pg_catalog.pg_namespace n on n.oid = o.namespace
join pg_catalog.pg_class t on t.oid = pg_catalog.to_regclass(@TableName::text)
join pg_catalog.pg_roles u on u.rolname = current_user
where n.nspname <> 'pg_catalog'
    and (n.nspname = w.schema_name or (w.schema_name is null and n.nspname = any (@Schemas::text[])))
