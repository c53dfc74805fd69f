-- Purpose: the given function names without any immutable function, so that no index can call them.
-- Minimum version: 13. Privileges: none.
select p.proname::text
from pg_catalog.pg_proc p
where p.proname = any (@Names::text[]) and pg_catalog.pg_function_is_visible(p.oid)
group by p.proname
having pg_catalog.bool_and(p.provolatile <> 'i')
order by p.proname
