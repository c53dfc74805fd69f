-- Purpose: for one transaction, sets the definitions of the hypothetical indexes to create, the schema of HypoPG's functions, and
-- limits: no writes, no long waits.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('perf_monitoring.indexes', @Definitions::text[]::text, true),
    pg_catalog.set_config('perf_monitoring.hypopg_schema', @Schema::text, true),
    pg_catalog.set_config('transaction_read_only', 'on', true),
    pg_catalog.set_config('statement_timeout', '30s', true),
    pg_catalog.set_config('lock_timeout', '5s', true)
