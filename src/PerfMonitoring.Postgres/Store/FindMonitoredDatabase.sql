-- Purpose: the id of a monitored database; no row if the store does not know it.
-- Minimum version: 13. Privileges: select on perf_monitoring.monitored_database.
select d.id
from perf_monitoring.monitored_database d
where d.server_identity = @ServerIdentity::text and d.database_name = @DatabaseName::text
