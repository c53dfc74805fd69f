-- Purpose: the indexes of partitioned tables, each with those of its leaves; an index that is attached to another one is left
-- out.
-- Minimum version: 13. Privileges: none.
select
    c.oid as index_oid,
    i.indrelid as table_oid,
    n.nspname::text as schema_name,
    t.relname::text as table_name,
    c.relname::text as index_name,
    pg_catalog.pg_get_indexdef(c.oid) as definition,
    i.indisunique as is_unique,
    i.indisvalid as is_valid,
    array(select p.relid::oid::bigint from pg_catalog.pg_partition_tree(c.oid) p where p.isleaf
        order by p.relid::oid) as leaf_oids
from pg_catalog.pg_class c
join pg_catalog.pg_index i on i.indexrelid = c.oid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'I'
    and not c.relispartition
    and c.relpersistence <> 't'
    and n.nspname !~ '^perf_monitoring(_.*_[0-9a-f]{8})?$'
order by n.nspname, t.relname, c.relname
