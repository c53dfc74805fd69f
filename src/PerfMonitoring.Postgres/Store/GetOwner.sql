-- Purpose: the owner of a schema, and whether this role may act as the owner; no row if there is no schema.
-- Minimum version: 13. Privileges: none.
select
    r.rolname::text as name,
    r.rolname = current_user as is_us,
    pg_catalog.pg_has_role(r.oid, 'member') as can_be_us
from pg_catalog.pg_namespace n
join pg_catalog.pg_roles r on r.oid = n.nspowner
where n.nspname = @SchemaName::text
