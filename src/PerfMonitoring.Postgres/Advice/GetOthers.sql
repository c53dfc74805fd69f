-- Purpose: what locks and writes here would disturb: other programs' sessions in this database and replicas; and whether this
-- server is a standby. A session whose kind is hidden from a role without pg_read_all_stats counts as another program's.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.pg_is_in_recovery() as is_standby,
    (
        select pg_catalog.count(*)
        from pg_catalog.pg_stat_activity a
        cross join (select s.application_name, s.client_addr, s.usesysid from pg_catalog.pg_stat_activity s
            where s.pid = pg_catalog.pg_backend_pid()) me
        where a.datname = pg_catalog.current_database()
            and coalesce(a.backend_type, 'client backend') = 'client backend'
            and (a.application_name, a.usesysid) is distinct from (me.application_name, me.usesysid)
    )::integer as sessions,
    (select pg_catalog.count(*) from pg_catalog.pg_stat_replication)::integer as replicas
