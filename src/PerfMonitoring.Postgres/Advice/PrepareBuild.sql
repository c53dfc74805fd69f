-- Purpose: within the open transaction, sets the definitions of the real indexes to build, by their names, and the limits of
-- building: short waits for locks, no limit for a build.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('perf_monitoring.indexes', @Definitions::text[]::text, true),
    pg_catalog.set_config('perf_monitoring.names', @Names::text[]::text, true),
    pg_catalog.set_config('lock_timeout', '5s', true),
    pg_catalog.set_config('statement_timeout', '0', true)
