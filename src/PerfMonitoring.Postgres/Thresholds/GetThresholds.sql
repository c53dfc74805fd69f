-- Purpose: the thresholds of the store.
-- Minimum version: 13. Privileges: select on perf_monitoring.performance_threshold and perf_monitoring."user".
select
    t.id,
    t.metric_type::text as metric_type,
    t.table_name,
    t.warning_threshold,
    t.critical_threshold,
    t.threshold_unit::text as threshold_unit,
    t.alert_enabled,
    t.alert_configuration::text as alert_configuration,
    c.name as created_by,
    u.name as updated_by,
    t.created_at,
    t.updated_at,
    t.is_active
from {{store}}.performance_threshold t
join {{store}}."user" c on c.id = t.created_by
left join {{store}}."user" u on u.id = t.updated_by
where t.is_active or @IncludeInactive::boolean
order by t.metric_type, t.table_name nulls first, t.created_at, t.id
