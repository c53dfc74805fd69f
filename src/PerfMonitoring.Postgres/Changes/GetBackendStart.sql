-- Purpose: the start time of this session. Together with the process id it identifies the session.
-- Minimum version: 13. Privileges: none.
select a.backend_start
from pg_catalog.pg_stat_activity a
where a.pid = pg_catalog.pg_backend_pid()
