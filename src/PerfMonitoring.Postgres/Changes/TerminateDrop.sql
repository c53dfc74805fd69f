-- Purpose: ends a drop whose connection broke, so that another session can complete it.
-- Minimum version: 13. Privileges: membership in the role that drops.
select pg_catalog.pg_terminate_backend(a.pid)
from pg_catalog.pg_stat_activity a
where a.pid = @ProcessId::int
    and a.backend_start = @BackendStart::timestamptz
    and a.state = 'active'
    and pg_catalog.starts_with(a.query, 'DROP INDEX ')
order by a.pid
