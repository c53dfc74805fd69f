-- Purpose: the foreign keys of these tables and those that refer to them, with their columns on both sides. Without tables, all
-- foreign keys of the database, including those of partitions.
-- Minimum version: 13. Privileges: none.
select
    k.conname::text as name,
    n.nspname::text as schema_name,
    c.relname::text as table_name,
    rn.nspname::text as referenced_schema,
    r.relname::text as referenced_name,
    (
        select pg_catalog.array_agg(a.attname::text order by x.position)
        from pg_catalog.unnest(k.conkey) with ordinality x (attnum, position)
        join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = x.attnum
    ) as columns,
    (
        select pg_catalog.array_agg(a.attname::text order by x.position)
        from pg_catalog.unnest(k.confkey) with ordinality x (attnum, position)
        join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = x.attnum
    ) as referenced_columns,
    k.conindid as referenced_index_oid,
    nullif(r.reltuples, -1)::float8 as referenced_rows
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class r on r.oid = k.confrelid
join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
where k.contype = 'f'
    and (
        @Names::text[] is null
        or k.conparentid = 0
            and array[k.conrelid, k.confrelid]
                && array(select pg_catalog.to_regclass(x.name)::oid from pg_catalog.unnest(@Names::text[]) x (name)))
order by n.nspname, c.relname, k.conname
