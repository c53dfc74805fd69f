-- Purpose: the owner of the store, and whether this role has the rights of the owner.
-- Minimum version: 13. Privileges: none.
select
    current_user::text as user_name,
    u.rolinherit as inherits,
    r.rolname::text as owner,
    coalesce(pg_catalog.pg_has_role(r.oid, 'usage'), false) as is_owner
from pg_catalog.pg_roles u
left join pg_catalog.pg_namespace n on n.nspname = @SchemaName::text
left join pg_catalog.pg_roles r on r.oid = n.nspowner
where u.rolname = current_user
