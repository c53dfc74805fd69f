-- Purpose: the last sample of the server's counters, from which the next test of thresholds counts on.
-- Minimum version: 13. Privileges: create on schema perf_monitoring.
create table {{store}}.metric_sample (
    monitored_database_id uuid not null,
    taken_at timestamptz not null,
    sample jsonb not null,
    constraint metric_sample_pkey primary key (monitored_database_id),
    constraint metric_sample_monitored_database_id_fkey foreign key (monitored_database_id)
        references {{store}}.monitored_database (id) on delete cascade
);
comment on table {{store}}.metric_sample is 'The counters of a monitored database when thresholds were last tested.';
