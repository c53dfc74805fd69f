-- Purpose: the foreign keys of the database, with the columns that refer and the unique index that they refer to.
-- Minimum version: 13. Privileges: none.
select k.conname::text as name, k.conrelid as table_oid, k.conkey as columns, k.conindid as referenced_index_oid
from pg_catalog.pg_constraint k
where k.contype = 'f'
order by k.conrelid, k.conname
