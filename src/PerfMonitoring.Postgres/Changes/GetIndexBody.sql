-- Purpose: the definition of an index as the server writes it, without its name and table. Two indexes with equal results are
-- equivalent.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.substr(
        pg_catalog.pg_get_indexdef(i.indexrelid),
        pg_catalog.length(pg_catalog.format(
            'CREATE %sINDEX %I ON %s%I.%I ',
            case when i.indisunique then 'UNIQUE ' else '' end,
            c.relname,
            case when c.relkind = 'I' then 'ONLY ' else '' end,
            case when n.oid = pg_catalog.pg_my_temp_schema() then 'pg_temp' else n.nspname end,
            t.relname)) + 1)
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
where i.indexrelid = @Oid::bigint::oid
