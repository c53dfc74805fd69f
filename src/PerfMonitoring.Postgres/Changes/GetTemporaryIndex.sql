-- Purpose: the index of a temporary table of this session.
-- Minimum version: 13. Privileges: none.
select i.indexrelid
from pg_catalog.pg_index i
join pg_catalog.pg_class t on t.oid = i.indrelid
where t.relnamespace = pg_catalog.pg_my_temp_schema() and t.relname = @TableName::text
