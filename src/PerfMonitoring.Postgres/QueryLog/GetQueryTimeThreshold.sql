-- Purpose: the threshold of QUERY_TIME in force, in milliseconds: the latest active one that is for no table.
-- Minimum version: 13. Privileges: select on perf_monitoring.performance_threshold.
select t.warning_threshold
from {{store}}.performance_threshold t
where t.metric_type = 'QUERY_TIME'
    and t.is_active
    and t.table_name is null
    and t.threshold_unit = 'MILLISECONDS'
order by greatest(t.created_at, t.updated_at) desc, t.id desc
limit 1
