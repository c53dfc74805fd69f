-- Purpose: the last sample of a monitored database.
-- Minimum version: 13. Privileges: select on perf_monitoring.metric_sample.
select m.sample::text
from {{store}}.metric_sample m
