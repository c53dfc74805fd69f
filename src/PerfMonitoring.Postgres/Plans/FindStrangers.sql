-- Purpose: ends the transaction (22012) if there is code that no trusted owner has: a function in SQL or a procedural language
-- (only superusers create functions in C), or a foreign table. The rest of the same batch then does not run.
-- Minimum version: 13. Privileges: none.
select 1 / (case when o.oid <> 0 then 0 else 1 end)
from (
    select p.proowner as oid from pg_catalog.pg_proc p where p.oid >= 16384 and p.prolang not in (12, 13)
    union all
    select c.relowner from pg_catalog.pg_class c where c.relkind = 'f'
    union all
    select s.srvowner from pg_catalog.pg_foreign_server s
) o
where not o.oid = any (@Trusted::oid[])
