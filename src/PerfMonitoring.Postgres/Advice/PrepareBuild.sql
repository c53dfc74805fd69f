-- Purpose: within the open transaction, the real indexes to be built, by their names, and the limits of building: locks are not
-- waited for for
-- long, a build takes what it takes.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('perf_monitoring.indexes', @Definitions::text[]::text, true),
    pg_catalog.set_config('perf_monitoring.names', @Names::text[]::text, true),
    pg_catalog.set_config('lock_timeout', '5s', true),
    pg_catalog.set_config('statement_timeout', '0', true)
