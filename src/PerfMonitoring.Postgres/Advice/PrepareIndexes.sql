-- Purpose: for one transaction, the definitions of the hypothetical indexes to be made, where HypoPG's functions are, and limits:
-- nothing is written, nothing waits for long.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('perf_monitoring.indexes', @Definitions::text[]::text, true),
    pg_catalog.set_config('perf_monitoring.hypopg_schema', @Schema::text, true),
    pg_catalog.set_config('transaction_read_only', 'on', true),
    pg_catalog.set_config('statement_timeout', '30s', true),
    pg_catalog.set_config('lock_timeout', '5s', true)
