-- Purpose: where pg_stat_statements lives in this database, which version it has, and whether it shows all roles' statements.
-- Minimum version: 13. Privileges: none.
select
    n.nspname::text as schema,
    e.extversion as version,
    pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as of_all_roles
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'
