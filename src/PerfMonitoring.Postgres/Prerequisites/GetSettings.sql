-- Purpose: configuration parameters that exist and that this role may see.
-- Minimum version: 13. Privileges: none; pg_read_all_settings shows shared_preload_libraries.
select
    s.name,
    s.setting as value,
    s.pending_restart
from pg_catalog.pg_settings s
where s.name = any (@Names::text[])
order by s.name
