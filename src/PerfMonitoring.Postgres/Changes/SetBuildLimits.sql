-- Purpose: sets the limits of the session that builds or drops; a build has no time limit.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('lock_timeout', @LockTimeoutMs::text, false),
    pg_catalog.set_config('statement_timeout', '0', false),
    pg_catalog.set_config('idle_in_transaction_session_timeout', '0', false),
    case when @MaintenanceWorkMem::text is not null
        then pg_catalog.set_config('maintenance_work_mem', @MaintenanceWorkMem::text, false) end
