-- Purpose: the generic plan of a statement with parameters. It is asked for inside a block because the protocol would want values for
-- the parameters. Nothing is executed.
-- Minimum version: 16. Privileges: those of the statement.
do $do$
declare
    plan json;
begin
    execute 'explain (format json, generic_plan, verbose ' || pg_catalog.current_setting('perf_monitoring.verbose') || ') '
         || pg_catalog.current_setting('perf_monitoring.statement') into plan;
    perform pg_catalog.set_config('perf_monitoring.plan', plan::text, true);
end
$do$
