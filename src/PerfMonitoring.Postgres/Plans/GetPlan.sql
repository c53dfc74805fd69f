-- Purpose: the plan that was just made in this transaction.
-- Minimum version: 13. Privileges: none.
select pg_catalog.current_setting('perf_monitoring.plan')
