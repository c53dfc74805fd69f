-- Purpose: the database and the role of a new connection, the search path in force, and whether the server sees the connection as
-- encrypted.
-- Minimum version: any. Privileges: none.
select
    d.oid as database_oid,
    d.datname::text as database_name,
    current_user::text as user_name,
    pg_catalog.current_setting('search_path') as search_path,
    (select s.ssl from pg_catalog.pg_stat_ssl s where s.pid = pg_catalog.pg_backend_pid()) as is_encrypted
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()
