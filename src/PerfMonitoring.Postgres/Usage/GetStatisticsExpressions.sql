-- Purpose: the expressions of each table whose distribution a statistics object has.
-- Minimum version: 14. Privileges: none; expressions that the role may not read are left out.
select t.oid as table_oid, pg_catalog.array_agg(distinct x.expr) as expressions
from pg_catalog.pg_stats_ext_exprs x
join pg_catalog.pg_namespace n on n.nspname = x.schemaname
join pg_catalog.pg_class t on t.relnamespace = n.oid and t.relname = x.tablename
where x.null_frac is not null
group by t.oid
order by t.oid
