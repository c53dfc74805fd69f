-- Purpose: the stored schedules of a monitored database.
-- Minimum version: 13. Privileges: select on perf_monitoring.maintenance_schedule.
select
    m.maintenance_window::text as maintenance_window,
    m.cron_expression,
    extract(epoch from m.duration)::float8 as duration_seconds,
    m.time_zone
from {{store}}.maintenance_schedule m
order by m.maintenance_window
