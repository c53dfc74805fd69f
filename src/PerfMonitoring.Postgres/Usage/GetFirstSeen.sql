-- Purpose: the time when the store first saw each index of a database, by the index's object identifier; a rebuilt index counts
-- as a new one.
-- Minimum version: 13. Privileges: select on the tables of schema perf_monitoring that it reads.
select d.index_oid, pg_catalog.min(u.last_analyzed) as first_seen
from perf_monitoring.index_usage_detail d
join perf_monitoring.index_usage_stats u on u.id = d.index_usage_id
join perf_monitoring.index_strategy_detail i on i.index_strategy_id = u.index_strategy_id
join perf_monitoring.monitored_database m on m.id = i.monitored_database_id
where m.server_identity = @ServerIdentity::text and m.database_name = @DatabaseName::text
group by d.index_oid
order by d.index_oid
