-- Purpose: for one transaction, the statement to be explained, a list of nulls for its parameters in brackets (empty where it has none), and
-- whether the plan shall be verbose.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('perf_monitoring.statement', @Statement::text, true),
    pg_catalog.set_config('perf_monitoring.arguments', @Arguments::text, true),
    pg_catalog.set_config('perf_monitoring.verbose', @Verbose::boolean::text, true)
