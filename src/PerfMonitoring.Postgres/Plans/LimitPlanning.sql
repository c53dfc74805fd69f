-- Purpose: for one transaction, the limits under which the server plans a statement: nothing is written, nothing waits for long.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('transaction_read_only', 'on', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true),
    pg_catalog.set_config('statement_timeout', '5s', true),
    pg_catalog.set_config('lock_timeout', '1s', true),
    pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)
