-- Purpose: stores the open times of a maintenance window.
-- Minimum version: 13. Privileges: insert, update on perf_monitoring.maintenance_schedule.
insert into {{store}}.maintenance_schedule (
    maintenance_window, cron_expression, duration, time_zone, updated_by)
values (
    @Window::text::{{store}}.maintenance_window, @CronExpression::text,
    pg_catalog.make_interval(secs => @DurationSeconds::float8), @TimeZone::text, @UserId::uuid)
on conflict (maintenance_window) do update set
    cron_expression = excluded.cron_expression,
    duration = excluded.duration,
    time_zone = excluded.time_zone,
    updated_by = excluded.updated_by,
    updated_at = excluded.updated_at
