-- Purpose: which database and role a new connection speaks with, and the search path that is in force.
-- Minimum version: any. Privileges: none.
select
    d.oid as database_oid,
    d.datname::text as database_name,
    current_user::text as user_name,
    pg_catalog.current_setting('search_path') as search_path
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()
