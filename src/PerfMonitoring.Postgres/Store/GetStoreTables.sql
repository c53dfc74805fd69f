-- Purpose: which of the given tables a schema has. It reads the catalog, so it needs no rights on the schema; a role without them
-- gets its error from the next statement.
-- Minimum version: 13. Privileges: none.
select c.relname::text
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = @SchemaName::text and c.relname = any (@Tables::text[]::pg_catalog.name[])
