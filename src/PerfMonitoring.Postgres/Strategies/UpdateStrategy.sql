-- Purpose: changes the given values of a strategy of a monitored database; the number of rows shows whether the strategy exists.
-- The strategy is locked before its detail, in the same order as when a strategy is stored. This prevents a deadlock between two
-- writers.
-- Minimum version: 13. Privileges: update and select on perf_monitoring.index_strategy and index_strategy_detail.
with strategy as (
    update {{store}}.index_strategy s set
        maintenance_window = coalesce(@MaintenanceWindow::text::{{store}}.maintenance_window, s.maintenance_window),
        usage_pattern = coalesce(@UsagePattern::text::{{store}}.usage_pattern, s.usage_pattern),
        is_monitoring = coalesce(@IsMonitoring::bool, s.is_monitoring),
        is_created = coalesce(@IsCreated::bool, s.is_created),
        is_active = coalesce(@IsActive::bool, s.is_active),
        updated_by = @UserId::uuid,
        updated_at = pg_catalog.now()
    where s.id = @Id::uuid
    returning s.id
)
update {{store}}.index_strategy_detail d set
    size_bytes = coalesce(@SizeBytes::bigint, d.size_bytes),
    build_seconds = coalesce(@BuildSeconds::float8, d.build_seconds)
from strategy s
where d.index_strategy_id = s.id
