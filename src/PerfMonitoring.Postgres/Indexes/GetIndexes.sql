-- Purpose: the indexes of tables with all their parts, so that each can be created again and compared with another.
-- Minimum version: 13. Privileges: none.
select
    i.indexrelid as oid,
    i.indrelid as table_oid,
    n.nspname::text as schema_name,
    c.relname::text as table_name,
    x.relname::text as index_name,
    m.amname::text as method,
    i.indisunique as is_unique,
    -- The column exists from PostgreSQL 15 on.
    coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false) as nulls_not_distinct,
    i.indisvalid as is_valid,
    i.indisready and i.indislive as is_ready,
    i.indisprimary as is_primary,
    i.indisexclusion as is_exclusion,
    i.indisreplident as is_replica_identity,
    i.indisclustered as is_clustered,
    (select h.inhparent::pg_catalog.regclass::text from pg_catalog.pg_inherits h where h.inhrelid = i.indexrelid) as parent_index,
    x.relkind = 'I' as is_partitioned,
    (
        select k.conname::text
        from pg_catalog.pg_constraint k
        where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')
        order by k.conname
        limit 1
    ) as constraint_name,
    (
        select pg_catalog.array_agg(
            pg_catalog.quote_ident(o.option_name) || '=' || pg_catalog.quote_literal(o.option_value) order by o.option_name)
        from pg_catalog.pg_options_to_table(x.reloptions) o
    ) as storage_parameters,
    s.spcname::text as tablespace,
    pg_catalog.pg_get_expr(i.indpred, i.indrelid, true) as predicate,
    pg_catalog.pg_get_indexdef(i.indexrelid) as server_definition,
    case when x.relkind = 'i' then pg_catalog.pg_relation_size(i.indexrelid) else 0 end as size_bytes,
    p.parts::text as parts
from pg_catalog.pg_index i
join pg_catalog.pg_class x on x.oid = i.indexrelid
join pg_catalog.pg_class c on c.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_am m on m.oid = x.relam
left join pg_catalog.pg_tablespace s on s.oid = x.reltablespace
cross join lateral (
    select pg_catalog.json_agg(
        pg_catalog.json_build_object(
            'isKey', k.n <= i.indnkeyatts,
            'column', a.attname,
            'expression', case when i.indkey[k.n - 1] = 0 then pg_catalog.pg_get_indexdef(i.indexrelid, k.n, true) end,
            'collation', case
                when l.oid is null then null
                -- The default collation of an expression cannot be read. If the text names a collation, the collation of each key
                -- is given.
                when i.indkey[k.n - 1] = 0
                    and pg_catalog.strpos(pg_catalog.pg_get_indexdef(i.indexrelid), ' COLLATE ') = 0 then null
                when i.indkey[k.n - 1] <> 0 and l.oid = a.attcollation then null
                else case when ln.nspname = 'pg_catalog' then '' else pg_catalog.quote_ident(ln.nspname) || '.' end
                    || pg_catalog.quote_ident(l.collname)
            end,
            'operatorClass', case
                when o.oid is not null and (not o.opcdefault or xa.attoptions is not null)
                then case when opn.nspname = 'pg_catalog' then '' else pg_catalog.quote_ident(opn.nspname) || '.' end
                    || pg_catalog.quote_ident(o.opcname)
                    || coalesce((
                        select ' (' || pg_catalog.string_agg(
                            pg_catalog.quote_ident(q.option_name) || '=' || pg_catalog.quote_literal(q.option_value), ', ') || ')'
                        from pg_catalog.pg_options_to_table(xa.attoptions) q), '')
            end,
            'descending', k.n <= i.indnkeyatts and (i.indoption[k.n - 1] & 1) = 1,
            'nullsFirst', k.n <= i.indnkeyatts and (i.indoption[k.n - 1] & 2) = 2,
            'isOrdered', m.amname = 'btree')
        order by k.n) as parts
    from pg_catalog.generate_series(1, i.indnatts::int) k (n)
    join pg_catalog.pg_attribute xa on xa.attrelid = i.indexrelid and xa.attnum = k.n
    left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[k.n - 1] and i.indkey[k.n - 1] <> 0
    left join pg_catalog.pg_collation l on k.n <= i.indnkeyatts and l.oid = i.indcollation[k.n - 1]
    left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
    left join pg_catalog.pg_opclass o on k.n <= i.indnkeyatts and o.oid = i.indclass[k.n - 1]
    left join pg_catalog.pg_namespace opn on opn.oid = o.opcnamespace
) p
where i.indrelid = any (@TableOids::bigint[]::oid[])
order by n.nspname, c.relname, x.relname
