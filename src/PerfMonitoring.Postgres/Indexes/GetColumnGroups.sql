-- Purpose: the number of distinct combinations of columns, from extended statistics (CREATE STATISTICS, ndistinct); expressions
-- are left out.
-- Minimum version: 13. Privileges: none; statistics are missing if the role may not read the columns.
select
    c.oid as table_oid,
    array(
        select a.attname::text
        from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attnum = any (pg_catalog.string_to_array(d.key, ', ')::smallint[])
        order by a.attnum
    ) as columns,
    pg_catalog.max(d.value::float8) as distinct
from pg_catalog.pg_stats_ext s
join pg_catalog.pg_namespace n on n.nspname = s.schemaname
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = s.tablename
cross join lateral pg_catalog.json_each_text(s.n_distinct::text::json) d
where c.oid = any (@TableOids::bigint[]::oid[]) and d.key not like '%-%'
group by c.oid, d.key
order by c.oid, d.key
