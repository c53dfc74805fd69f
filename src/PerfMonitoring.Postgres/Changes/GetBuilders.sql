-- Purpose: the sessions that hold some locks of builders (classid and objid hold the two halves of an advisory lock's key).
-- Minimum version: 13. Privileges: none; pg_read_all_stats to see who others are.
select a.pid as process_id, a.usename::text as user_name, a.application_name, a.state, a.xact_start as transaction_start
from pg_catalog.pg_locks l
join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory'
    and l.granted
    and l.objsubid = 1
    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
    and (l.classid::bigint << 32) | l.objid::bigint = any (array(
        select pg_catalog.hashtextextended(
            'perf_monitoring.index_creation',
            coalesce(pg_catalog.pg_partition_root(k.key::oid::pg_catalog.regclass)::oid::bigint, k.key))
        from pg_catalog.unnest(@Keys::bigint[]) k (key)))
order by a.pid
