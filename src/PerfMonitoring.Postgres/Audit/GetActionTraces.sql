-- Purpose: the traces in the monitored database of actions without a recorded end: whether somebody still works on them, and what
-- they left. A role that may not see what other sessions do assumes that a session that has, or waits for, a lock on the table
-- does the work.
-- Minimum version: 13. Privileges: none; pg_read_all_stats to see what other sessions do.
select
    g.id,
    pg_catalog.clock_timestamp() as now,
    coalesce(t.root = coalesce(pg_catalog.pg_partition_root(@TableOid::bigint::oid::pg_catalog.regclass)::oid,
        @TableOid::bigint::oid), false) as is_own_table,
    exists (
        select
        from pg_catalog.pg_locks l
        where l.locktype = 'advisory'
            and l.granted
            and l.objsubid = 1
            and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
            and l.pid is distinct from @OwnProcessId::int
            and (l.classid::bigint << 32) | l.objid::bigint = pg_catalog.hashtextextended('perf_monitoring.index_creation',
                t.root::bigint)
    ) as is_held,
    s.pid as process_id,
    s.phase,
    m.is_valid as is_marked,
    n.oid::bigint as named_oid,
    coalesce(n.is_valid, false) as is_named_valid,
    n.size_bytes,
    i.indexrelid is not null as is_there,
    coalesce(i.indisvalid and i.indisready and i.indislive, false) as is_valid
from pg_catalog.jsonb_to_recordset(@Actions::jsonb) as g (
    id uuid, schema_name text, table_name text, index_name text, statement text, mark text, index_oid bigint, process_id int,
    backend_start timestamptz)
left join lateral (
    select c.oid, coalesce(pg_catalog.pg_partition_root(c.oid::pg_catalog.regclass)::oid, c.oid) as root
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace x on x.oid = c.relnamespace
    where x.nspname = g.schema_name and c.relname = g.table_name
) t on true
left join lateral (
    -- The action's session, or another one with the same work: a separate session completes an interrupted drop.
    select a.pid, p.phase
    from pg_catalog.pg_stat_activity a
    left join pg_catalog.pg_stat_progress_create_index p on p.pid = a.pid
    cross join lateral (
        select
            coalesce(a.pid = g.process_id and (a.backend_start = g.backend_start or a.backend_start is null), false) as is_own,
            coalesce(a.state = 'active' and pg_catalog.left(a.query, 60) = pg_catalog.left(g.statement, 60), false) as is_same,
            exists (
                select
                from pg_catalog.pg_locks l
                where l.pid = a.pid
                    and l.mode in ('ShareUpdateExclusiveLock', 'ShareLock', 'AccessExclusiveLock')
                    and (l.relation = t.oid
                        or l.relation in (select r.relid::oid from pg_catalog.pg_partition_tree(t.root::pg_catalog.regclass) r))
            ) as is_locking
    ) w
    where a.datname = pg_catalog.current_database()
        and case when w.is_own then w.is_same or w.is_locking else w.is_same and w.is_locking end
    order by w.is_own desc, a.pid
    limit 1
) s on true
left join lateral (
    select pg_catalog.bool_or(x.indisvalid and x.indisready and x.indislive) as is_valid
    from pg_catalog.pg_description d
    join pg_catalog.pg_index x on x.indexrelid = d.objoid
    where d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = 0 and d.description = g.mark
) m on true
left join lateral (
    select
        c.oid, x.indisvalid and x.indisready and x.indislive as is_valid,
        case when c.relkind = 'i' then pg_catalog.pg_relation_size(c.oid) end as size_bytes
    from pg_catalog.pg_index x
    join pg_catalog.pg_class c on c.oid = x.indexrelid
    where x.indrelid = t.oid and c.relname = g.index_name
) n on true
left join pg_catalog.pg_index i on i.indexrelid = g.index_oid::oid
order by g.id
