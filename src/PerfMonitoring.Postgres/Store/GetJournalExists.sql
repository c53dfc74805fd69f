-- Purpose: whether a store was ever made here.
-- Minimum version: 9.6. Privileges: none.
select pg_catalog.to_regclass('perf_monitoring.schema_version') is not null
