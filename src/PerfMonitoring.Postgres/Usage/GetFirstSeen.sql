-- Purpose: the time when the store first saw each index of a database, by the index's object identifier; a rebuilt index counts
-- as a new one.
-- Minimum version: 13. Privileges: select on the tables of schema perf_monitoring that it reads.
select d.index_oid, pg_catalog.min(u.last_analyzed) as first_seen
from {{store}}.index_usage_detail d
join {{store}}.index_usage_stats u on u.id = d.index_usage_id
group by d.index_oid
order by d.index_oid
