-- Purpose: the values of columns that ANALYZE collected: the most common ones with their frequencies, the bounds of the
-- histogram, and the common elements of arrays and texts. A partitioned table that was never analysed gets those of its largest
-- leaf. The values are the user's data: they go into EXPLAIN and nowhere else.
-- Minimum version: 13. Privileges: select on the columns; others are left out.
select
    x.schema_name as schema_name,
    x.table_name as table_name,
    x.column_name as column_name,
    b.typcategory::text as category,
    b.typname::text as type_name,
    s.null_frac::float8 as null_fraction,
    s.n_distinct::float8 as distinct,
    s.most_common_vals::text::text[] as common_values,
    s.most_common_freqs::float8[] as common_frequencies,
    s.histogram_bounds::text::text[] as bounds,
    s.most_common_elems::text::text[] as common_elements,
    -- After the frequencies of the elements stand their least and greatest, and for arrays that of null elements.
    s.most_common_elem_freqs::float8[] as common_element_frequencies,
    -- After the histogram stands the mean (array_typanalyze.c).
    s.elem_count_histogram[pg_catalog.array_upper(s.elem_count_histogram, 1)]::float8 as element_count,
    coalesce((
        select pg_catalog.avg((x.count = 0)::int)::float8
        from pg_catalog.unnest(s.elem_count_histogram) with ordinality x (count, place)
        where x.place < pg_catalog.cardinality(s.elem_count_histogram)
    ), 0) as empty_share
from rows from (
    pg_catalog.unnest(@Schemas::text[]), pg_catalog.unnest(@Tables::text[]), pg_catalog.unnest(@Columns::text[])
) x (schema_name, table_name, column_name)
join pg_catalog.pg_namespace n on n.nspname = x.schema_name
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = x.table_name
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = x.column_name and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
join pg_catalog.pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
join lateral (
    select
        q.null_frac, q.n_distinct, q.most_common_vals, q.most_common_freqs, q.histogram_bounds, q.most_common_elems,
        q.most_common_elem_freqs, q.elem_count_histogram, q.inherited,
        null::float8 as leaf_rows
    from pg_catalog.pg_stats q
    where q.schemaname = x.schema_name and q.tablename = x.table_name and q.attname = x.column_name
    union all
    select
        q.null_frac, q.n_distinct, q.most_common_vals, q.most_common_freqs, q.histogram_bounds, q.most_common_elems,
        q.most_common_elem_freqs, q.elem_count_histogram, false,
        h.reltuples::float8
    from pg_catalog.pg_partition_tree(c.oid) p
    join pg_catalog.pg_class h on h.oid = p.relid
    join pg_catalog.pg_namespace m on m.oid = h.relnamespace
    join pg_catalog.pg_stats q on q.schemaname = m.nspname and q.tablename = h.relname and q.attname = x.column_name
        and not q.inherited
    where c.relkind = 'p' and p.isleaf
    order by inherited desc, leaf_rows desc nulls first
    limit 1
) s on true
order by x.schema_name, x.table_name, x.column_name
