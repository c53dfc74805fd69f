-- Purpose: for the rest of the transaction, sets the limits under which the server plans a statement (no writes, no long waits),
-- and the role and the search path of the role that ran it (null for the role of the session).
-- Minimum version: 13. Privileges: member of the role.
select
    pg_catalog.set_config('transaction_read_only', 'on', true),
    pg_catalog.set_config('statement_timeout', @Milliseconds::bigint::text, true),
    pg_catalog.set_config('lock_timeout', least(@Milliseconds::bigint, 5000)::text, true),
    pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true),
    pg_catalog.set_config('enable_partition_pruning', @Prunes::boolean::text, true),
    pg_catalog.set_config('perf_monitoring.role', pg_catalog.current_setting('role'), true),
    pg_catalog.set_config('role', coalesce(@Role::text, pg_catalog.current_setting('role')), true),
    pg_catalog.set_config('search_path', @SearchPath::text, true)
