-- Purpose: the schema of HypoPG's functions; no row if this database does not have the extension.
-- Minimum version: 13. Privileges: none.
select n.nspname::text
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname = 'hypopg'
