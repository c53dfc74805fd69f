-- Purpose: writes how an action ended, by the run that did it: it knows better than one that looked for it meanwhile.
-- Minimum version: 13. Privileges: update and select on perf_monitoring.index_action and index_action_session.
with own as (
    update perf_monitoring.index_action_session s
    set reconciled_at = null
    where s.index_action_id = @Id::uuid and s.reconciled_at is not null
)
update perf_monitoring.index_action a
set outcome = @Outcome::text, error = @Error::text, finished_at = pg_catalog.clock_timestamp()
where a.id = @Id::uuid
