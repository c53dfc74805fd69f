-- Purpose: whether this role may make the store's schema.
-- Minimum version: 13. Privileges: none.
select
    current_user::text as user_name,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create') as can_create
