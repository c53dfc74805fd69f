-- Purpose: within the open transaction, the limits under which the server plans a statement.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('statement_timeout', @Milliseconds::bigint::text, true),
    pg_catalog.set_config('lock_timeout', '5s', true),
    pg_catalog.set_config('standard_conforming_strings', 'on', true),
    pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)
