-- Purpose: the sessions that CREATE INDEX CONCURRENTLY would wait for: those with a snapshot in this database, and those that
-- have written to the table. Transactions younger than a second are left out, because they end before they matter.
-- Minimum version: 13. Privileges: none; pg_read_all_stats to see what others do.
select a.pid as process_id, a.usename::text as user_name, a.application_name, a.state, a.xact_start as transaction_start
from pg_catalog.pg_stat_activity a
where a.pid <> pg_catalog.pg_backend_pid()
    and a.datname = pg_catalog.current_database()
    and a.backend_type <> 'autovacuum worker'
    and a.xact_start < pg_catalog.clock_timestamp() - '1 second'::interval
    and (
        a.backend_xmin is not null
        or exists (
            select
            from pg_catalog.pg_locks l
            where l.pid = a.pid
                and l.relation = any (@TableOids::bigint[]::oid[])
                and l.granted
                and l.mode not in ('AccessShareLock', 'RowShareLock')))
    and not exists (select from pg_catalog.pg_stat_progress_create_index p where p.pid = a.pid)
order by a.xact_start, a.pid
