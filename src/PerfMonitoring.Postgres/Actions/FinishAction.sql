-- Purpose: writes how something ended that was begun with an index. What was begun with it before and never ended, for a process or a server died, has
-- not lasted where the same was now done anew.
-- Minimum version: 13. Privileges: update and select on perf_monitoring.index_action.
with finished as (
    update perf_monitoring.index_action a
    set outcome = @Outcome::text, error = @Error::text, finished_at = pg_catalog.clock_timestamp()
    where a.id = @Id::uuid
    returning a.id, a.monitored_database_id, a.action, a.table_name, a.index_name, a.outcome, a.started_at
)
update perf_monitoring.index_action o
set
    outcome = 'FAILED',
    error = 'How it ended was never written: its process or the server was gone. It was done anew.',
    finished_at = pg_catalog.clock_timestamp()
from finished f
where f.outcome = 'SUCCEEDED'
    and o.outcome = 'STARTED'
    and o.id <> f.id
    and o.monitored_database_id = f.monitored_database_id
    and o.action = f.action
    and o.table_name = f.table_name
    and o.index_name = f.index_name
    and o.started_at < f.started_at
