-- Purpose: the schemas that a name without a schema is looked for in, in order, along the search path that is in force.
-- Minimum version: 13. Privileges: none.
select pg_catalog.current_schemas(true)
