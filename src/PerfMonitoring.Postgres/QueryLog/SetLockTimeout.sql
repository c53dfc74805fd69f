-- Purpose: sets for one transaction how long to wait for readers of the log.
-- Minimum version: 13. Privileges: none.
select pg_catalog.set_config('lock_timeout', '10s', true)
