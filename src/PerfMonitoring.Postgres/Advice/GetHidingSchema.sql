-- Purpose: the schema of HypoPG's functions that hide indexes from the planner; no row if this database does not have HypoPG 1.4
-- or later.
-- Minimum version: 13. Privileges: none.
select n.nspname::text
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname = 'hypopg'
    and exists (select from pg_catalog.pg_proc p where p.pronamespace = n.oid and p.proname = 'hypopg_hide_index')
