-- Purpose: the version of the server, and whether it takes writes.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) as version,
    pg_catalog.pg_is_in_recovery() as is_standby
