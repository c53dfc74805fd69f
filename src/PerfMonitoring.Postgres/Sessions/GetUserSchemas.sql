-- Purpose: the schemas in which a name without a schema is looked up along the search path in force, in order.
-- Minimum version: 13. Privileges: none.
select pg_catalog.current_schemas(true)
