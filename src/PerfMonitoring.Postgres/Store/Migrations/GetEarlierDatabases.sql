-- Purpose: the monitored databases in a schema of the layout for many, those with the most rows in the log first.
-- Minimum version: 13. Privileges: owner of the store.
select m.id, m.server_identity, m.database_name, m.host_name, m.port
from {{from}}.monitored_database m
order by (
    select pg_catalog.count(*)
    from {{from}}.query_performance_interval i
    where i.monitored_database_id = m.id) desc, m.created_at, m.id
