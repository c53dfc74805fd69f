-- Purpose: when maintenance windows are open.
-- Minimum version: 13. Privileges: create on schema perf_monitoring.
create table {{store}}.maintenance_schedule (
    monitored_database_id uuid not null,
    maintenance_window {{store}}.maintenance_window not null,
    cron_expression text not null,
    duration interval not null,
    time_zone text not null,
    updated_by uuid not null,
    updated_at timestamptz not null default pg_catalog.now(),
    constraint maintenance_schedule_pkey primary key (monitored_database_id, maintenance_window),
    constraint maintenance_schedule_monitored_database_id_fkey foreign key (monitored_database_id)
        references {{store}}.monitored_database (id) on delete cascade,
    constraint maintenance_schedule_updated_by_fkey foreign key (updated_by) references {{store}}."user" (id),
    constraint maintenance_schedule_maintenance_window_check check (maintenance_window <> 'IMMEDIATE'),
    constraint maintenance_schedule_duration_check check (duration > '0'::interval)
);
comment on table {{store}}.maintenance_schedule is
    'When a maintenance window of a monitored database is open, where that is not the default.';
