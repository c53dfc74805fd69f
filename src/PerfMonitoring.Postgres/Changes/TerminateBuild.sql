-- Purpose: ends a build whose connection broke, so that nobody waits for it.
-- Minimum version: 13. Privileges: membership in the role that builds.
select pg_catalog.pg_terminate_backend(a.pid)
from pg_catalog.pg_stat_activity a
join pg_catalog.pg_stat_progress_create_index p on p.pid = a.pid
where a.pid = @ProcessId::int and a.backend_start = @BackendStart::timestamptz
order by a.pid
