-- Purpose: for one transaction, the statement to be explained and the limits under which the server plans it.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('standard_conforming_strings', 'on', true),
    pg_catalog.set_config('statement_timeout', '5s', true),
    pg_catalog.set_config('lock_timeout', '1s', true),
    pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true),
    pg_catalog.set_config('perf_monitoring.statement', @Statement::text, true),
    pg_catalog.set_config('perf_monitoring.arguments', @Arguments::text, true)
