-- Purpose: marks a new index as the work of an action, in its comment. A comment that somebody else wrote meanwhile stays.
-- Minimum version: 13. Privileges: ownership of the index.
do $$
declare
    marked regclass := pg_catalog.to_regclass(pg_catalog.current_setting('perf_monitoring.index'));
begin
    if pg_catalog.obj_description(marked, 'pg_class') is null then
        execute pg_catalog.format('comment on index %s is %L', marked, pg_catalog.current_setting('perf_monitoring.mark'));
    end if;
end
$$
