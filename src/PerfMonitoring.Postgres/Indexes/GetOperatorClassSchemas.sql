-- Purpose: the schemas that have an operator class with a name for an access method.
-- Minimum version: 13. Privileges: none.
select n.nspname::text
from pg_catalog.pg_opclass c
join pg_catalog.pg_am m on m.oid = c.opcmethod
join pg_catalog.pg_namespace n on n.oid = c.opcnamespace
where c.opcname = @Name::text and m.amname = @Method::text
