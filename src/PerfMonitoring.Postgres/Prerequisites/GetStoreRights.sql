-- Purpose: the owner of the store, and whether this role may create or upgrade it.
-- Minimum version: 13. Privileges: none.
select
    current_user::text as user_name,
    u.rolinherit as inherits,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create') as can_create,
    r.rolname::text as owner,
    coalesce(pg_catalog.pg_has_role(r.oid, 'usage'), false) as is_owner
from pg_catalog.pg_roles u
left join pg_catalog.pg_namespace n on n.nspname = 'perf_monitoring'
left join pg_catalog.pg_roles r on r.oid = n.nspowner
where u.rolname = current_user
