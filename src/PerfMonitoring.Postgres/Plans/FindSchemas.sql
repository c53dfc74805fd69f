-- Purpose: the schemas that have a table or view with a name.
-- Minimum version: 13. Privileges: none; schemas that the role may not use are left out.
select n.nspname::text
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = @Name::text and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname !~ '^(pg_|information_schema$|perf_monitoring$)'
    and pg_catalog.has_schema_privilege(n.oid, 'usage')
order by n.nspname
