-- Purpose: the generic plan of a statement with parameters, where EXPLAIN cannot make one by itself: a prepared statement's, with a
-- null for each parameter; plan_cache_mode keeps the nulls out of the plan, yet not out of the pruning of partitions when it starts: where that took
-- some away, the plan is asked for without pruning. Nothing is executed. "Others" leaves a timeout out.
-- Minimum version: 13. Privileges: those of the statement.
do $do$
declare
    plan json;
begin
    for i in 1 .. 2 loop
        execute 'prepare perf_monitoring_plan as ' || pg_catalog.current_setting('perf_monitoring.statement');
        begin
            execute 'explain (format json, verbose ' || pg_catalog.current_setting('perf_monitoring.verbose') || ') execute perf_monitoring_plan'
                 || pg_catalog.current_setting('perf_monitoring.arguments') into plan;
        exception when query_canceled or others then
            deallocate perf_monitoring_plan;
            raise;
        end;
        deallocate perf_monitoring_plan;
        exit when plan::text not like '%"Subplans Removed"%' or pg_catalog.current_setting('perf_monitoring.arguments') = '';
        perform pg_catalog.set_config('enable_partition_pruning', 'off', true);
    end loop;
    perform pg_catalog.set_config('perf_monitoring.plan', plan::text, true);
end
$do$
