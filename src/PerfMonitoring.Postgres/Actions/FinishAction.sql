-- Purpose: writes how something ended that was begun with an index.
-- Minimum version: 13. Privileges: update and select on perf_monitoring.index_action.
update perf_monitoring.index_action a
set outcome = @Outcome::text, error = @Error::text, finished_at = pg_catalog.clock_timestamp()
where a.id = @Id::uuid
