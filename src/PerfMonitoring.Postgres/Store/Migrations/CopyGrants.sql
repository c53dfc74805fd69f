-- Purpose: the statements that give a schema, its tables, its functions and its types the rights of others that an earlier schema
-- of the store has.
-- Minimum version: 13. Privileges: none.
with grants as (
    select 'schema' as kind, '' as name, n.nspowner as owner, n.nspacl as acl
    from pg_catalog.pg_namespace n
    where n.nspname = @From::text
    union all
    select 'table', c.relname::text, c.relowner, c.relacl
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = @From::text and c.relkind in ('r', 'p') and not c.relispartition
    union all
    select 'function', p.proname::text, p.proowner, p.proacl
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where n.nspname = @From::text
    union all
    select 'type', t.typname::text, t.typowner, t.typacl
    from pg_catalog.pg_type t
    join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    where n.nspname = @From::text and t.typtype = 'e'
)
select pg_catalog.format('grant %s on %s %I%s to %s', a.privilege_type, g.kind, @SchemaName::text,
    case when g.kind = 'schema' then '' else '.' || pg_catalog.quote_ident(g.name) end,
    coalesce(pg_catalog.quote_ident(r.rolname), 'public'))
from grants g
cross join lateral pg_catalog.aclexplode(g.acl) a
left join pg_catalog.pg_roles r on r.oid = a.grantee
where a.grantee <> g.owner
    and (g.kind <> 'table' or exists (
        select
        from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = @SchemaName::text and c.relname = g.name))
order by g.kind <> 'schema', g.kind, g.name, a.privilege_type
