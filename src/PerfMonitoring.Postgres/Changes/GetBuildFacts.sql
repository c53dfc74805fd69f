-- Purpose: in one statement, all facts for and against building on a table now.
-- Minimum version: 13. Privileges: none; pg_read_all_stats to see what others do, pg_read_all_settings for the data directory.
select
    pg_catalog.pg_is_in_recovery() as is_standby,
    pg_catalog.pg_has_role(c.relowner, 'usage') as is_owner,
    current_user::text as role_name,
    pg_catalog.has_schema_privilege(c.relnamespace, 'create') as can_create_in_schema,
    case when u.name is not null and u.oid is distinct from b.dattablespace then u.name end as tablespace,
    u.oid is not null as has_tablespace,
    coalesce(
        u.oid = b.dattablespace or (u.name <> 'pg_global' and pg_catalog.has_tablespace_privilege(u.oid, 'create')),
        false) as can_create_in_tablespace,
    pg_catalog.current_setting('max_index_keys')::int as maximum_columns,
    least(
        case when not r.rolsuper
            then pg_catalog.current_setting('max_connections')::int - pg_catalog.current_setting(
                'superuser_reserved_connections')::int
            else pg_catalog.current_setting('max_connections')::int end - n.of_server,
        case when b.datconnlimit >= 0 and not r.rolsuper then b.datconnlimit - n.of_database end,
        case when r.rolconnlimit >= 0 and not r.rolsuper then r.rolconnlimit - n.of_role end)::int as sessions_left,
    array(
        select e.evtname::text
        from pg_catalog.pg_event_trigger e
        where e.evtevent in ('ddl_command_start', 'ddl_command_end')
            and e.evtenabled in ('O', 'A')
            and (e.evttags is null or 'CREATE INDEX' = any (e.evttags))
        order by e.evtname
    ) as event_triggers,
    array(
        select p.relid::text
        from pg_catalog.pg_partition_tree(c.oid::pg_catalog.regclass) p
        join pg_catalog.pg_class f on f.oid = p.relid
        where f.relkind = 'f'
        order by p.relid::text
    ) as foreign_partitions,
    pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as sees_others,
    coalesce(
        nullif(pg_catalog.pg_tablespace_location(u.oid), ''),
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
    y.standbys,
    y.lag_seconds
from pg_catalog.pg_class c
join pg_catalog.pg_database b on b.datname = pg_catalog.current_database()
join pg_catalog.pg_roles r on r.rolname = current_user
cross join lateral (
    -- The server ignores a default_tablespace that does not exist, but not a requested tablespace that does not exist.
    select x.name, t.oid
    from (
        select coalesce(
            @Tablespace::text,
            (select d.spcname::text from pg_catalog.pg_tablespace d
                where d.spcname = pg_catalog.current_setting('default_tablespace')),
            (select o.spcname::text from pg_catalog.pg_tablespace o where o.oid = b.dattablespace)) as name
    ) x
    left join pg_catalog.pg_tablespace t on t.spcname = x.name
) u
cross join lateral (
    -- All sessions except this one and the idle ones of this session's pool.
    select
        pg_catalog.count(*) as of_server,
        pg_catalog.count(*) filter (where a.datname = pg_catalog.current_database()) as of_database,
        pg_catalog.count(*) filter (where a.usename = current_user) as of_role
    from pg_catalog.pg_stat_activity a
    where a.backend_type is distinct from 'autovacuum worker'
        and a.datid is not null
        and a.pid <> pg_catalog.pg_backend_pid()
        and not (
            a.usename = current_user
            and a.datname = pg_catalog.current_database()
            and a.state = 'idle'
            and a.application_name = pg_catalog.current_setting('application_name'))
) n
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
        -- The server keeps no lag of a standby that has replayed everything, nor of one that has replayed nothing since.
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
) y
where c.oid = @TableOid::bigint::oid
