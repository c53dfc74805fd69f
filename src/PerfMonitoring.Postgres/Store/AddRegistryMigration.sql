-- Purpose: notes an applied migration of the list of monitored databases.
-- Minimum version: 13. Privileges: owner of the schema.
insert into {{store}}.registry_version (scriptname)
values (@Name::text)
