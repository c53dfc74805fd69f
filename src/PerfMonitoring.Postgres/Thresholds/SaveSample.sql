-- Purpose: keeps a sample as the last one of a monitored database, unless the store has a later one.
-- Minimum version: 13. Privileges: insert, update and select on perf_monitoring.metric_sample.
insert into {{store}}.metric_sample as m (taken_at, sample)
values (@TakenAt::timestamptz, @Sample::text::jsonb)
on conflict (is_only) do update set taken_at = excluded.taken_at, sample = excluded.sample
where m.taken_at < excluded.taken_at
