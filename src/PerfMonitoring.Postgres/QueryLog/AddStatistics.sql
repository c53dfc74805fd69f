-- Purpose: stores the counters of statements that were just read.
-- Minimum version: 13. Privileges: insert on perf_monitoring.query_statistics.
insert into {{store}}.query_statistics (
    queryid, dbid, userid, toplevel, calls, total_time_ms, rows,
    shared_blocks_hit, shared_blocks_read, temp_blocks_written, block_time_ms, since, squared_time)
select
    s.queryid, s.dbid, s.userid, s.toplevel, s.calls, s.total_time_ms,
    s.rows, s.shared_blocks_hit, s.shared_blocks_read, s.temp_blocks_written, s.block_time_ms, s.since, s.squared_time
from unnest(
    @QueryIds::bigint[], @DatabaseOids::bigint[]::oid[], @UserOids::bigint[]::oid[], @TopLevels::boolean[], @Calls::bigint[],
    @TotalTimes::float8[], @Rows::bigint[],
    @BlocksHit::bigint[], @BlocksRead::bigint[], @TempBlocksWritten::bigint[], @BlockTimes::float8[], @Since::timestamptz[],
    @SquaredTimes::float8[])
    as s (queryid, dbid, userid, toplevel, calls, total_time_ms, rows, shared_blocks_hit, shared_blocks_read, temp_blocks_written,
        block_time_ms, since, squared_time)
