-- Purpose: the counters of the last reading.
-- Minimum version: 13. Privileges: select on perf_monitoring.query_statistics.
select
    s.queryid as query_id, s.dbid as database_oid, s.userid as user_oid, s.toplevel as top_level, s.calls, s.total_time_ms,
    s.rows,
    s.shared_blocks_hit, s.shared_blocks_read, s.temp_blocks_written, s.block_time_ms, s.since, s.squared_time
from {{store}}.query_statistics s
order by s.queryid, s.dbid, s.userid, s.toplevel
