-- Purpose: the major version of Citus in the store's database; no row without the extension.
-- Minimum version: 13. Privileges: none.
select pg_catalog.split_part(e.extversion, '.', 1)::int as major_version
from pg_catalog.pg_extension e
where e.extname = 'citus'
