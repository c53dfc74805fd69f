-- Purpose: the databases that accept connections, are no templates and are not broken (a DROP DATABASE that was interrupted
-- leaves datconnlimit = -2), that the role may connect to, and whose names match a pattern.
-- Minimum version: any. Privileges: none.
select d.datname::text as name
from pg_catalog.pg_database d
where d.datallowconn
    and not d.datistemplate
    and d.datconnlimit <> -2
    and pg_catalog.has_database_privilege(d.oid, 'CONNECT')
    and d.datname::text ~* any (@Patterns::text[])
order by d.datname
