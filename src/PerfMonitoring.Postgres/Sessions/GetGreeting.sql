-- Purpose: facts about the server that are needed before our settings are in force. Other users may have set the search path, so
-- nothing is looked up along it (no operator, no cast, no type; functions are qualified by their schema).
-- Minimum version: any. Privileges: none.
select
    pg_catalog.pg_backend_pid() as process_id,
    pg_catalog.current_setting('server_version_num') as server_version_number,
    pg_catalog.current_setting('search_path') as search_path,
    pg_catalog.current_setting('server_encoding') as server_encoding,
    pg_catalog.pg_is_in_recovery() as is_standby,
    pg_catalog.current_setting('transaction_read_only') as read_only
