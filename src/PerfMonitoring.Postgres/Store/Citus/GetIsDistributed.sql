-- Purpose: whether Citus keeps a schema on one of its nodes.
-- Minimum version: 14, Citus 12. Privileges: none.
select exists (
    select
    from pg_catalog.pg_dist_schema s
    join pg_catalog.pg_namespace n on n.oid = s.schemaid
    where n.nspname = @SchemaName::text)
