-- Purpose: builds real indexes in the open transaction, those of one definition together. The index's size in bytes, or the
-- SQLSTATE and the text of the refusal, replaces each definition. If rows were updated recently (broken HOT chains), the planner
-- ignores an index until the transaction ends.
-- Minimum version: 13. Privileges: owner of the tables; CREATE on their schemas.
do $do$
declare
    definitions text[] := pg_catalog.current_setting('perf_monitoring.indexes')::text[];
    names text[] := pg_catalog.current_setting('perf_monitoring.names')::text[];
    results text[] := '{}';
begin
    for i in 1 .. pg_catalog.cardinality(definitions) loop
        begin
            execute definitions[i];
            if exists (
                select from pg_catalog.unnest(pg_catalog.string_to_array(names[i], E'\n')) n (name)
                join pg_catalog.pg_index x on x.indexrelid = n.name::regclass
                where x.indcheckxmin) then
                raise exception 'rows of the table were updated lately, so that its new indexes cannot be used '
                    'in the transaction that makes them: vacuum it first'
                    using errcode = 'PM001';
            end if;

            results := results || (
                select pg_catalog.sum(pg_catalog.pg_relation_size(n.name::regclass))::text
                from pg_catalog.unnest(pg_catalog.string_to_array(names[i], E'\n')) n (name));
        exception when others then
            results := results || (sqlstate || ' ' || sqlerrm);
        end;
    end loop;
    perform pg_catalog.set_config('perf_monitoring.indexes', results::text, true);
end
$do$
