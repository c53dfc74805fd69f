-- Purpose: the given names that are neither a database nor a role of the server, regardless of case, as in the patterns of the
-- filters.
-- Minimum version: 13. Privileges: none.
select pg_catalog.lower(n.name) as name
from pg_catalog.unnest(@Names::text[]) n (name)
where case when @AreDatabases::bool
        then not exists (select from pg_catalog.pg_database d where pg_catalog.lower(d.datname::text) = pg_catalog.lower(n.name))
        else not exists (select from pg_catalog.pg_roles r where pg_catalog.lower(r.rolname::text) = pg_catalog.lower(n.name))
    end
