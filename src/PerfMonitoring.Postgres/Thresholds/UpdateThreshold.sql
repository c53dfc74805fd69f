-- Purpose: changes limits, unit and alert of an active threshold.
-- Minimum version: 13. Privileges: update and select on perf_monitoring.performance_threshold.
update {{store}}.performance_threshold t
set
    warning_threshold = @Warning::numeric,
    critical_threshold = @Critical::numeric,
    threshold_unit = @Unit::text::{{store}}.threshold_unit,
    alert_enabled = @AlertEnabled::boolean,
    alert_configuration = @AlertConfiguration::text::jsonb,
    updated_by = @UserId::uuid,
    updated_at = pg_catalog.now()
where t.id = @Id::uuid and t.is_active
