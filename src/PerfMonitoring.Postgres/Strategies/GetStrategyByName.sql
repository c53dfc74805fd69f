-- Purpose: the row with a table's and an index's name, and whether it belongs to this monitored database.
-- Minimum version: 13. Privileges: select on perf_monitoring.index_strategy and its side tables.
select
    s.id,
    coalesce(d.monitored_database_id = @MonitoredDatabaseId::uuid, false) as is_of_this_database,
    m.host_name || ':' || m.port || '/' || m.database_name as database
from perf_monitoring.index_strategy s
left join perf_monitoring.index_strategy_detail d on d.index_strategy_id = s.id
left join perf_monitoring.monitored_database m on m.id = d.monitored_database_id
where s.table_name = @TableName::text and s.index_name = @IndexName::text
