-- Purpose: columns of tables with their statistics. Autovacuum does not analyse a partitioned table. If nobody did, the
-- statistics of its leaves are used, weighted by rows. A column that is unique in each leaf counts as unique in the whole; for
-- other columns all leaves are assumed to have the same values.
-- Minimum version: 13. Privileges: none; statistics are null if the role may not read the column.
select
    a.attrelid as table_oid,
    a.attname::text as name,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
    t.typlen::int as type_length,
    case t.typalign when 'c' then 1 when 's' then 2 when 'i' then 4 else 8 end as type_alignment,
    t.typlen = -1 and t.typstorage <> 'p' as is_packable,
    a.atttypid::bigint as type_oid,
    a.atttypmod as type_modifier,
    a.attnotnull as is_not_null,
    coalesce(l.collisdeterministic, true) as is_deterministic,
    case
        when a.attcollation = 0 then null
        when l.collname = 'default' then d.datcollate in ('C', 'POSIX')
        else coalesce(l.collcollate, '') in ('C', 'POSIX')
    end as is_collation_c,
    coalesce(s.avg_width, f.avg_width) as average_width,
    coalesce(s.null_frac::float8, f.null_frac) as null_fraction,
    coalesce(s.n_distinct::float8, f.n_distinct) as distinct,
    coalesce(s.correlation::float8, f.correlation) as correlation,
    -- Values in the form of the output functions. ANALYZE keeps no value of more than 1 kB (analyze.c, WIDTH_THRESHOLD).
    coalesce(
        (
            select pg_catalog.max(pg_catalog.octet_length(v))
            from pg_catalog.unnest(s.most_common_vals::text::text[] || s.histogram_bounds::text::text[]) v
            where t.typlen = -1 and t.typdelim = ','
        ),
        f.longest_known) as longest_known,
    -- The bounds stand for more values than the common values do.
    (
        select pg_catalog.stddev_pop(pg_catalog.octet_length(v))::float8
        from pg_catalog.unnest(coalesce(s.histogram_bounds, s.most_common_vals)::text::text[]) v
        where t.typlen = -1 and t.typdelim = ','
    ) as width_deviation,
    (
        select (pg_catalog.sum(pg_catalog.octet_length(m.v) * m.share) / pg_catalog.sum(m.share))::float8
        from rows from (pg_catalog.unnest(s.most_common_vals::text::text[]), pg_catalog.unnest(s.most_common_freqs)) m (v, share)
        where t.typlen = -1 and t.typdelim = ','
    ) as common_bytes,
    s.most_common_freqs::float8[] as common_frequencies,
    case when t.typdelim = ',' then (s.most_common_vals::text::text[])[1] end as commonest_value,
    -- analyze.c: 300 rows for each unit of the statistics target. A count that the owner has set does not come from a sample.
    case
        when not exists (select 1 from pg_catalog.unnest(a.attoptions) x where x like 'n_distinct%')
            then 300.0::float8 * coalesce(nullif(a.attstattarget, -1),
                pg_catalog.current_setting('default_statistics_target')::int)
    end as sampled_rows
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_type t on t.oid = a.atttypid
join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
left join pg_catalog.pg_collation l on l.oid = a.attcollation
-- One column at a time by the catalogs' indexes (offset 0). The view as a whole would check the rights on each column of the
-- database.
left join lateral (
    select
        x.attname, x.avg_width, x.null_frac, x.n_distinct, x.correlation, x.most_common_vals, x.most_common_freqs,
        x.histogram_bounds
    from pg_catalog.pg_stats x
    where x.schemaname = n.nspname and x.tablename = c.relname and x.attname = a.attname and x.inherited = (c.relkind = 'p')
    offset 0
) s on true
left join lateral (
    select
        pg_catalog.round(pg_catalog.sum(q.avg_width * w.rows) / pg_catalog.sum(w.rows))::int as avg_width,
        (pg_catalog.sum(q.null_frac * w.rows) / pg_catalog.sum(w.rows))::float8 as null_frac,
        case when pg_catalog.max(q.n_distinct) < 0 then pg_catalog.max(q.n_distinct) else pg_catalog.max(
            case when q.n_distinct < 0 then -q.n_distinct * w.rows else q.n_distinct end) end::float8 as n_distinct,
        (pg_catalog.sum(q.correlation * w.rows) / pg_catalog.sum(w.rows))::float8 as correlation,
        pg_catalog.max((
            select pg_catalog.max(pg_catalog.octet_length(v))
            from pg_catalog.unnest(q.most_common_vals::text::text[] || q.histogram_bounds::text::text[]) v
            where t.typlen = -1 and t.typdelim = ','
        )) as longest_known
    from pg_catalog.pg_partition_tree(c.oid) p
    join pg_catalog.pg_class h on h.oid = p.relid
    join pg_catalog.pg_namespace m on m.oid = h.relnamespace
    join pg_catalog.pg_stats q on q.schemaname = m.nspname and q.tablename = h.relname and q.attname = a.attname
        and not q.inherited
    cross join lateral (select greatest(1, h.reltuples)) w (rows)
    where p.isleaf and h.relkind = 'r'
) f on c.relkind = 'p' and s.attname is null
where a.attrelid = any (@TableOids::bigint[]::oid[]) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
