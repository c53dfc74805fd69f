-- Purpose: the schema of HypoPG's functions; no row where the extension is not in this database.
-- Minimum version: 13. Privileges: none.
select n.nspname::text
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname = 'hypopg'
