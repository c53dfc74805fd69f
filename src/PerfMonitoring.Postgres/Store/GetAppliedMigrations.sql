-- Purpose: the migrations that were applied to a schema of the store.
-- Minimum version: 13. Privileges: usage on the schema, select on its journal.
select v.scriptname::text
from {{store}}.schema_version v
order by v.scriptname
