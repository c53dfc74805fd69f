-- Purpose: the applied migrations of the list of monitored databases.
-- Minimum version: 13. Privileges: usage on the schema, select on its journal.
select v.scriptname::text
from {{store}}.registry_version v
order by v.scriptname
