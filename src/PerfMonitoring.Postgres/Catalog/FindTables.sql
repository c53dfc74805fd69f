-- Purpose: tables by name, along the search path where a name has no schema; rows scaled to the present size as the planner does.
-- Minimum version: 13. Privileges: usage on the schemas.
select
    x.position::int as position,
    c.oid as oid,
    n.nspname::text as schema_name,
    c.relname::text as table_name,
    c.relkind::text as relkind,
    c.relpersistence = 't' as is_temporary,
    n.nspname in ('pg_catalog', 'information_schema') or n.nspname like 'pg\_toast%' as is_system,
    c.relispartition as is_partition,
    c.reltuples::float8 as analysed_rows,
    c.relpages::bigint as analysed_pages,
    c.relallvisible::bigint as all_visible_pages,
    case when c.relkind in ('r', 'm', 't')
        then pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint
        else c.relpages::bigint
    end as pages
from pg_catalog.unnest(@Names::text[]) with ordinality x (name, position)
join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(x.name)
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
order by x.position
