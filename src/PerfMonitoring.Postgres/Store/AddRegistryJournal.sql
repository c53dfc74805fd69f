-- Purpose: makes the table of applied migrations of the list of monitored databases.
-- Minimum version: 13. Privileges: owner of the schema.
create table {{store}}.registry_version (
    scriptname text not null,
    applied timestamptz not null default pg_catalog.now(),
    constraint registry_version_pkey primary key (scriptname)
)
