-- Purpose: for one transaction, nested loops only where there is no other way.
-- Minimum version: 13. Privileges: none.
select pg_catalog.set_config('enable_nestloop', 'off', true)
