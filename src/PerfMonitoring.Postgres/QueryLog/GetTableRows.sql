-- Purpose: the planner's estimate of the rows of tables; unknown ones (never analysed) are left out.
-- Minimum version: 13. Privileges: none.
select n.nspname::text as schema, c.relname::text as name, c.reltuples::float8 as rows
from unnest(@Schemas::text[], @Names::text[]) as k (schema, name)
join pg_catalog.pg_namespace n on n.nspname = k.schema
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = k.name
where c.reltuples >= 0
order by n.nspname, c.relname
