-- Purpose: a partitioned table and all tables below it, from the top.
-- Minimum version: 13. Privileges: none.
select t.relid::oid as oid, t.parentrelid::oid as parent_oid, n.nspname::text as schema_name, c.relname::text as table_name,
    c.relkind::text as relkind
from pg_catalog.pg_partition_tree(@TableOid::bigint::oid::pg_catalog.regclass) t
join pg_catalog.pg_class c on c.oid = t.relid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
order by t.level, n.nspname, c.relname
