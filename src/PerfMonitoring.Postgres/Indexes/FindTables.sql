-- Purpose: finds tables by name, along the user's search path if a name has no schema. Rows are scaled to the present size as the
-- planner does it. A partitioned table has the sum of its leaves; leaves that were never analysed get the row density of the
-- others.
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
    coalesce(l.analysed_rows, c.reltuples::float8) as analysed_rows,
    coalesce(l.analysed_pages, c.relpages::bigint) as analysed_pages,
    coalesce(l.all_visible_pages, c.relallvisible::bigint) as all_visible_pages,
    case when c.relkind in ('r', 'm', 't')
        then pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint
        else coalesce(l.pages, c.relpages::bigint)
    end as pages,
    rn.nspname::text as root_schema,
    r.relname::text as root_name,
    l.schemas as leaf_schemas,
    l.names as leaf_names
from rows from (pg_catalog.unnest(@Schemas::text[]), pg_catalog.unnest(@Names::text[])) with ordinality x (schema, name, position)
cross join lateral (
    select pg_catalog.to_regclass(pg_catalog.quote_ident(p.schema) || '.' || pg_catalog.quote_ident(x.name)) as oid
    from pg_catalog.unnest(case when x.schema is null then @SearchPath::text[] else array[x.schema] end) with ordinality p (
        schema, position)
    where pg_catalog.to_regclass(pg_catalog.quote_ident(p.schema) || '.' || pg_catalog.quote_ident(x.name)) is not null
    order by p.position
    limit 1
) f
join pg_catalog.pg_class c on c.oid = f.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_class r on c.relispartition and r.oid = pg_catalog.pg_partition_root(c.oid)
left join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
left join lateral (
    select
        coalesce(pg_catalog.sum(f.reltuples::float8) filter (where f.reltuples >= 0), -1) as analysed_rows,
        coalesce(pg_catalog.sum(f.relpages) filter (where f.reltuples >= 0), 0)::bigint as analysed_pages,
        coalesce(pg_catalog.sum(f.relallvisible), 0)::bigint as all_visible_pages,
        coalesce(pg_catalog.sum(pg_catalog.pg_relation_size(f.oid) / pg_catalog.current_setting('block_size')::bigint),
            0)::bigint as pages,
        pg_catalog.array_agg(fn.nspname::text order by fn.nspname, f.relname) as schemas,
        pg_catalog.array_agg(f.relname::text order by fn.nspname, f.relname) as names
    from pg_catalog.pg_partition_tree(c.oid) p
    join pg_catalog.pg_class f on f.oid = p.relid
    join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
    -- A foreign leaf cannot have an index.
    where c.relkind = 'p' and p.isleaf and f.relkind = 'r'
) l on c.relkind = 'p'
order by x.position
