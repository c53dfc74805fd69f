-- Purpose: moves a schema of the store to one of the nodes of Citus. The copies of its rows on the coordinator stay.
-- Minimum version: 14, Citus 12. Privileges: owner of the schema.
select pg_catalog.citus_schema_distribute(n.oid)::text
from pg_catalog.pg_namespace n
where n.nspname = @SchemaName::text
