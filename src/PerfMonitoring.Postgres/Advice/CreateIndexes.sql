-- Purpose: creates hypothetical indexes. The index's handle and its size in bytes, or the SQLSTATE and the text of the refusal,
-- replaces each definition. Errors are caught here, because to a client HypoPG's own errors (XX000) look like those of a broken
-- server.
-- Minimum version: 13. Privileges: none.
do $do$
declare
    definition text;
    handle oid;
    size bigint;
    results text[] := '{}';
begin
    foreach definition in array pg_catalog.current_setting('perf_monitoring.indexes')::text[] loop
        begin
            execute pg_catalog.format(
                'select h.indexrelid, %1$I.hypopg_relation_size(h.indexrelid) from %1$I.hypopg_create_index($1) h',
                pg_catalog.current_setting('perf_monitoring.hypopg_schema'))
                into handle, size using definition;
            results := results || (handle || ':' || size);
        exception when others then
            results := results || (sqlstate || ' ' || sqlerrm);
        end;
    end loop;
    perform pg_catalog.set_config('perf_monitoring.indexes', results::text, true);
end
$do$
