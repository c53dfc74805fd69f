-- Purpose: finds a table by its name along the user's search path, with the partitions that hold its rows.
-- Minimum version: 13. Privileges: usage on its schema.
select
    n.nspname::text as schema_name,
    c.relname::text as table_name,
    coalesce(
        (select pg_catalog.array_agg(t.relid::oid order by t.relid) from pg_catalog.pg_partition_tree(c.oid) t where t.isleaf),
        array[c.oid]) as oids
from pg_catalog.unnest(case when @Schema::text is null then @SearchPath::text[] else array[@Schema::text] end) with ordinality p (
    schema, position)
join pg_catalog.pg_class c
    on c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident(p.schema) || '.' || pg_catalog.quote_ident(@Name::text))
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm')
order by p.position
limit 1
