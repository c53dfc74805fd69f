-- Purpose: whether a store was ever created here. It reads the catalog, so it needs no rights on the schema; a role without them
-- gets its error from the next statement.
-- Minimum version: 9.6. Privileges: none.
select exists (
    select from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'perf_monitoring' and c.relname = 'schema_version')
