-- Purpose: removes the copies of the rows that the coordinator keeps of a schema that moved to a node.
-- Minimum version: 14, Citus 12. Privileges: owner of the schema.
select pg_catalog.truncate_local_data_after_distributing_table(c.oid)::text
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = @SchemaName::text and c.relkind in ('r', 'p') and not c.relispartition
    and not exists (select from pg_catalog.pg_constraint o where o.confrelid = c.oid and o.contype = 'f' and o.conrelid <> c.oid)
