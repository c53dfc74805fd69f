-- Purpose: what has to be known of a server before our own settings are in force: nothing here is looked up along a search path
-- that others may have set
-- (no operator, no cast, no type; functions by their schema).
-- Minimum version: any. Privileges: none.
select
    pg_catalog.pg_backend_pid() as process_id,
    pg_catalog.current_setting('server_version_num') as server_version_number,
    pg_catalog.current_setting('search_path') as search_path,
    pg_catalog.pg_is_in_recovery() as is_standby,
    pg_catalog.current_setting('transaction_read_only') as read_only
