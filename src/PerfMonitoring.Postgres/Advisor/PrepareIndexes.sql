-- Purpose: for one transaction, the definitions of the hypothetical indexes to be made, and where HypoPG's functions are.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('perf_monitoring.indexes', @Definitions::text[]::text, true),
    pg_catalog.set_config('perf_monitoring.hypopg_schema', @Schema::text, true)
