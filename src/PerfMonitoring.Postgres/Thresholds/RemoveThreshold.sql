-- Purpose: marks a threshold as removed.
-- Minimum version: 13. Privileges: update and select on perf_monitoring.performance_threshold.
update {{store}}.performance_threshold t
set is_active = false, updated_by = @UserId::uuid, updated_at = pg_catalog.now()
where t.id = @Id::uuid and t.is_active
