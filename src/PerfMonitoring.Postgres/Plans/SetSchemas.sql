-- Purpose: for the rest of the transaction, records the schemas of the role and the search path that SetPlanning.sql has set, and
-- restores those of the session. Nothing here is looked up along the other path.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('perf_monitoring.schemas', pg_catalog.current_schemas(true)::pg_catalog.text, true),
    pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
    pg_catalog.set_config('role', pg_catalog.current_setting('perf_monitoring.role'), true)
