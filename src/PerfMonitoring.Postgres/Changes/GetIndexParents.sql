-- Purpose: the indexes that the given indexes are attached to.
-- Minimum version: 13. Privileges: none.
select h.inhrelid as oid, h.inhparent as parent_oid
from pg_catalog.pg_inherits h
where h.inhrelid = any (@Oids::bigint[]::oid[])
order by h.inhrelid
