-- Purpose: stores a threshold, unless the metric and table already have an active one.
-- Minimum version: 13. Privileges: insert and select on perf_monitoring.performance_threshold.
with active as (
    select t.id
    from {{store}}.performance_threshold t
    where t.metric_type = @MetricType::text::{{store}}.metric_type
        and t.table_name is not distinct from @TableName::text
        and t.is_active
)
insert into {{store}}.performance_threshold (
    id, metric_type, table_name, warning_threshold, critical_threshold, threshold_unit, alert_enabled, alert_configuration,
    created_by)
select
    @Id::uuid, @MetricType::text::{{store}}.metric_type, @TableName::text, @Warning::numeric, @Critical::numeric,
    @Unit::text::{{store}}.threshold_unit, @AlertEnabled::boolean, @AlertConfiguration::text::jsonb, @UserId::uuid
where not exists (select from active)
