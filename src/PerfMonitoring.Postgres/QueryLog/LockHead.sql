-- Purpose: makes sure that a monitored database has a head, and sets how long to wait for its lock.
-- Minimum version: 13. Privileges: insert on perf_monitoring.query_statistics_head.
with waiting as (select pg_catalog.set_config('lock_timeout', '60s', true))
insert into perf_monitoring.query_statistics_head (monitored_database_id)
select @DatabaseId::uuid from waiting
on conflict do nothing
