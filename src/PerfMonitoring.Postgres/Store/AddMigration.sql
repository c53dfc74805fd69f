-- Purpose: notes an applied migration of a schema.
-- Minimum version: 13. Privileges: owner of the schema.
insert into {{store}}.schema_version (scriptname, applied)
values (@Name::text, pg_catalog.now())
