-- Purpose: makes sure that there is a head, and sets how long to wait for its lock.
-- Minimum version: 13. Privileges: insert on perf_monitoring.query_statistics_head.
with waiting as (select pg_catalog.set_config('lock_timeout', '60s', true))
insert into {{store}}.query_statistics_head (is_only)
select true from waiting
on conflict do nothing
