-- Purpose: what speaks for or against building on a table now, in one look.
-- Minimum version: 13. Privileges: none; pg_read_all_stats to see what others do, pg_read_all_settings for the data directory.
select
    pg_catalog.pg_is_in_recovery() as is_standby,
    pg_catalog.pg_has_role(c.relowner, 'usage') as is_owner,
    pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as sees_others,
    coalesce(
        (
            select nullif(pg_catalog.pg_tablespace_location(t.oid), '')
            from pg_catalog.pg_tablespace t
            where t.spcname = coalesce(
                @Tablespace::text, nullif(pg_catalog.current_setting('default_tablespace'), ''),
                (
                    select dt.spcname::text
                    from pg_catalog.pg_database d
                    join pg_catalog.pg_tablespace dt on dt.oid = d.dattablespace
                    where d.datname = pg_catalog.current_database()
                ))
        ),
        (select s.setting from pg_catalog.pg_settings s where s.name = 'data_directory')
    ) as directory,
    array(
        select x.gid::text
        from pg_catalog.pg_prepared_xacts x
        where x.database = pg_catalog.current_database()
            and exists (
                select
                from pg_catalog.pg_locks t
                join pg_catalog.pg_locks l on l.virtualtransaction = t.virtualtransaction
                where t.pid is null
                    and t.transactionid = x.transaction
                    and l.pid is null
                    and l.relation = any (@TableOids::bigint[]::oid[])
                    and l.mode not in ('AccessShareLock', 'RowShareLock'))
        order by x.prepared
    ) as prepared_transactions,
    v.has_autovacuum,
    v.is_wraparound,
    array(
        select p.relid::pg_catalog.regclass::text || ' by ' || p.pid::text
        from pg_catalog.pg_stat_progress_create_index p
        where p.datname = pg_catalog.current_database() and p.relid is not null
        order by p.pid
    ) as other_builds,
    array(
        select p.index_relid::bigint
        from pg_catalog.pg_stat_progress_create_index p
        where p.datname = pg_catalog.current_database() and p.index_relid is not null
        order by p.index_relid
    ) as indexes_being_built,
    (
        select pg_catalog.count(*)
        from pg_catalog.pg_stat_activity a
        where a.state = 'active' and a.backend_type = 'client backend' and a.pid <> pg_catalog.pg_backend_pid()
    )::int as active_sessions,
    r.standbys,
    r.lag_seconds
from pg_catalog.pg_class c
cross join lateral (
    select
        pg_catalog.count(*) > 0 as has_autovacuum,
        coalesce(pg_catalog.bool_or(a.query like '%(to prevent wraparound)%'), false) as is_wraparound
    from pg_catalog.pg_locks l
    join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where a.backend_type = 'autovacuum worker'
        and l.relation = any (@TableOids::bigint[]::oid[])
        and l.mode = 'ShareUpdateExclusiveLock'
        and l.granted
) v
cross join lateral (
    select
        pg_catalog.count(*)::int as standbys,
        -- No figure is kept of a standby that has replayed everything, and none of one that has replayed nothing since.
        case when pg_catalog.bool_and(coalesce(w.replay_lag is not null or w.replay_lsn >= w.sent_lsn, false))
            then extract(epoch from coalesce(pg_catalog.max(w.replay_lag), '0'::interval)) end::float8 as lag_seconds
    from (
        select p.replay_lag, p.replay_lsn, p.sent_lsn
        from pg_catalog.pg_stat_replication p
        -- Programs that only archive replay nothing.
        where p.state is distinct from 'backup' and (p.write_lsn is null or p.replay_lsn is not null)
        union all
        select null, null, null
        from pg_catalog.pg_replication_slots t
        where t.slot_type = 'physical' and not t.active and t.restart_lsn is not null
    ) w
) r
where c.oid = @TableOid::bigint::oid
