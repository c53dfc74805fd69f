-- Purpose: the migrations that were applied to this store.
-- Minimum version: 9.6. Privileges: usage on schema perf_monitoring, select on its journal.
select v.scriptname::text
from perf_monitoring.schema_version v
order by v.scriptname
