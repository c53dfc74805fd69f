-- Purpose: whether a store was ever made here. Asked of the catalog, for a role without rights on the schema is told so by what
-- it does next.
-- Minimum version: 9.6. Privileges: none.
select exists (
    select from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'perf_monitoring' and c.relname = 'schema_version')
