-- Purpose: relations of the given kinds (tables, or indexes) whose name starts with the user's input.
-- Minimum version: 13. Privileges: none.
select
    case when n.nspname::text is distinct from v.schema then n.nspname::text end as schema_name,
    c.relname::text as name
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
-- The relation that the user's search path finds under this name.
left join lateral (
    select p.schema
    from pg_catalog.unnest(@SearchPath::text[]) with ordinality p (schema, position)
    join pg_catalog.pg_namespace vn on vn.nspname = p.schema
    join pg_catalog.pg_class vc on vc.relnamespace = vn.oid and vc.relname = c.relname
    order by p.position
    limit 1
) v on true
where c.relkind = any (@Kinds::text[]::"char"[])
    and n.nspname !~ '^(pg_|information_schema$|perf_monitoring(_.*_[0-9a-f]{8})?$)'
    and pg_catalog.has_schema_privilege(n.oid, 'usage')
    and (pg_catalog.starts_with(c.relname::text, @Prefix::text)
        or pg_catalog.starts_with(n.nspname::text || '.' || c.relname::text, @Prefix::text))
order by 1 nulls first, 2
limit 200
