-- Purpose: a table by its name along the search path, with the partitions that hold its rows.
-- Minimum version: 13. Privileges: usage on its schema.
select
    n.nspname::text as schema_name,
    c.relname::text as table_name,
    coalesce(
        (select pg_catalog.array_agg(t.relid::oid order by t.relid) from pg_catalog.pg_partition_tree(c.oid) t where t.isleaf),
        array[c.oid]) as oids
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = pg_catalog.to_regclass(@Name::text)
    and c.relkind in ('r', 'p', 'm')
