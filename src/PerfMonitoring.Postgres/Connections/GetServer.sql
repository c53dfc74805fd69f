-- Purpose: which server, database and role a new connection speaks with.
-- Minimum version: any. Privileges: none.
select
    pg_catalog.current_setting('server_version_num')::int as server_version_number,
    d.oid as database_oid,
    d.datname::text as database_name,
    current_user::text as user_name
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()
