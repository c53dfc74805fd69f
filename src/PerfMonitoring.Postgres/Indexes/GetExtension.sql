-- Purpose: whether an extension can be created, and the schema of an existing one.
-- Minimum version: 13. Privileges: none.
select
    exists (select 1 from pg_catalog.pg_available_extensions() a where a.name = @Name::text) as is_available,
    (
        select n.nspname::text
        from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid = e.extnamespace
        where e.extname = @Name::text
    ) as schema
