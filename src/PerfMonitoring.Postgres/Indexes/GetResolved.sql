-- Purpose: the expressions of the constraints of a temporary table, with each name as this session must write it.
-- Minimum version: 13. Privileges: none.
select pg_catalog.pg_get_expr(c.conbin, c.conrelid)
from pg_catalog.pg_constraint c
where c.conrelid = pg_catalog.to_regclass(@TableName::text) and c.conname like 'perf\_monitoring\_%'
order by pg_catalog.length(c.conname), c.conname
