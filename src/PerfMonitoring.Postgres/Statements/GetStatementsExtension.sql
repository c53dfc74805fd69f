-- Purpose: the schema and the version of pg_stat_statements, whether it is loaded, and whether this role sees the statements of
-- all roles.
-- Minimum version: 13. Privileges: none.
select
    e.extversion::text as version,
    n.nspname::text as schema,
    pg_catalog.current_setting('pg_stat_statements.max', true) is not null as is_loaded,
    pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage') as reads_all
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'
