-- Purpose: makes the table of applied migrations of a schema.
-- Minimum version: 13. Privileges: owner of the schema.
create table {{store}}.schema_version (scriptname text not null, applied timestamptz not null default pg_catalog.now())
