-- Purpose: the transactions that hold a lock on a table or one of its partitions. Dropping one of the table's indexes waits for
-- them.
-- Minimum version: 13. Privileges: none; pg_read_all_stats to see who the others are.
select distinct
    l.virtualtransaction as transaction_id,
    l.pid as process_id,
    a.usename::text as user_name,
    a.application_name,
    a.state,
    a.xact_start as transaction_start
from pg_catalog.pg_locks l
left join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'relation'
    and l.granted
    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
    and (
        l.relation = @TableOid::bigint::oid
        or l.relation in (select p.relid::oid from pg_catalog.pg_partition_tree(@TableOid::bigint::oid::pg_catalog.regclass) p))
    and l.pid is distinct from pg_catalog.pg_backend_pid()
order by l.virtualtransaction
