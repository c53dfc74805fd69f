-- Purpose: what each server counted of an index on a day, for verdicts over a window of time.
-- Minimum version: 13. Privileges: owner of perf_monitoring.index_usage_detail.
alter table perf_monitoring.index_usage_detail add column counts jsonb not null default '[]';
comment on column perf_monitoring.index_usage_detail.counts is
    'The scans that each server counted: the primary first, then the standbys that were asked. Empty where it was one server.';
