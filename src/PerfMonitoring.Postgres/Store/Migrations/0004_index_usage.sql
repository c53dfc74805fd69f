-- Purpose: what a day's usage of an index is beyond the entity: which index it was, since when it was counted, and why it should
-- go or stay.
-- Minimum version: 13. Privileges: create on schema perf_monitoring.
create table {{store}}.index_usage_detail (
    index_usage_id uuid not null,
    index_oid oid not null,
    counters_since timestamptz,
    last_scan timestamptz,
    table_writes bigint,
    is_valid boolean not null,
    definition text,
    reasons jsonb not null default '[]',
    blockers jsonb not null default '[]',
    notes jsonb not null default '[]',
    unknown_columns text[] not null default '{}',
    counts jsonb not null default '[]',
    constraint index_usage_detail_pkey primary key (index_usage_id),
    constraint index_usage_detail_index_usage_id_fkey
        foreign key (index_usage_id) references {{store}}.index_usage_stats (id) on delete cascade
);
comment on table {{store}}.index_usage_detail is 'What was known besides of an index on a day.';
comment on column {{store}}.index_usage_detail.unknown_columns is
    'The columns of index_usage_stats whose 0 stands for unknown: avg_scan_time_ms always, since PostgreSQL does not measure it.';
comment on column {{store}}.index_usage_detail.counts is
    'The scans that each server counted: the primary first, then the standbys that were asked. Empty where it was one server.';
comment on column {{store}}.index_usage_stats.stats_date is 'The day in UTC.';
