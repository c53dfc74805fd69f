-- Purpose: the counters of every index that holds data, without indexes of the system and of the store. Sizes and expressions are
-- left out for a table that somebody holds or awaits exclusively, because reading them would wait.
-- Minimum version: 13. Privileges: none; pg_read_all_stats to see index builds of other roles.
with busy as (
    select l.relation
    from pg_catalog.pg_locks l
    where l.locktype = 'relation'
        and l.mode = 'AccessExclusiveLock'
        and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
)
select
    i.indexrelid as index_oid,
    i.indrelid as table_oid,
    n.nspname::text as schema_name,
    t.relname::text as table_name,
    c.relname::text as index_name,
    m.amname::text as method,
    i.indisunique as is_unique,
    i.indisprimary as is_primary,
    i.indisvalid as is_valid,
    i.indisready and i.indislive as is_ready,
    k.expressions,
    f.is_locked,
    exists (select from pg_catalog.pg_stat_progress_create_index p where p.index_relid = i.indexrelid) as is_being_built,
    (
        select e.extname::text
        from pg_catalog.pg_depend d
        join pg_catalog.pg_extension e on e.oid = d.refobjid
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid in (i.indrelid, i.indexrelid)
            and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            and d.deptype = 'e'
        order by d.objid
        limit 1
    ) as extension,
    s.idx_scan as scans,
    s.idx_tup_read as tuples_read,
    s.idx_tup_fetch as tuples_fetched,
    -- The column exists from PostgreSQL 16 on.
    (pg_catalog.to_jsonb(s) ->> 'last_idx_scan')::timestamptz as last_scan,
    u.n_tup_ins + u.n_tup_upd - u.n_tup_hot_upd + u.n_tup_del as table_writes,
    -- Before PostgreSQL 14, 0 also means that the table was never analysed.
    case when t.reltuples > 0 then t.reltuples::double precision end as table_rows,
    case when c.reltuples > 0 then c.reltuples::double precision end as entries,
    case when not f.is_locked then pg_catalog.pg_total_relation_size(i.indrelid) end as table_size_bytes,
    case when pg_catalog.current_setting('track_commit_timestamp')::bool
        then pg_catalog.pg_xact_commit_timestamp(i.xmin) end as exists_since
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_am m on m.oid = c.relam
left join pg_catalog.pg_stat_all_indexes s on s.indexrelid = i.indexrelid
left join pg_catalog.pg_stat_all_tables u on u.relid = i.indrelid
cross join lateral (
    select exists (
        select
        from busy b
        where b.relation = i.indrelid
            or b.relation in (select x.indexrelid from pg_catalog.pg_index x where x.indrelid = i.indrelid)
    ) as is_locked
) f
cross join lateral (
    select
        coalesce(
            -- An expression that is not a function call has parentheses here, but none in a statistics object.
            pg_catalog.array_agg(
                pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid, a.attnum, false), '^\((.*)\)$', '\1')
                    order by a.attnum)
                filter (where i.indkey[a.attnum - 1] = 0 and not f.is_locked),
            '{}'::text[]) as expressions
    from pg_catalog.pg_attribute a
    where a.attrelid = i.indexrelid and a.attnum > 0
) k
where c.relkind = 'i'
    and c.relpersistence <> 't'
    and n.nspname !~ '^(pg_|information_schema$|perf_monitoring(_.*_[0-9a-f]{8})?$)'
order by n.nspname, t.relname, c.relname
