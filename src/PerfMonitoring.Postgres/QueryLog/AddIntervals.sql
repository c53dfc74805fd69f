-- Purpose: stores the figures that belong to the rows that were just added to the log.
-- Minimum version: 13. Privileges: insert on perf_monitoring.query_performance_interval.
insert into {{store}}.query_performance_interval (
    id, queryid, dbid, userid, toplevel, calls, total_time_ms, rows, shared_blocks_hit, shared_blocks_read, temp_blocks_written,
    block_time_ms, interval_start, rows_examined_is_estimate, squared_time, interval_end)
select
    i.id, i.queryid, i.dbid, i.userid, i.toplevel, i.calls, i.total_time_ms, i.rows, i.shared_blocks_hit,
    i.shared_blocks_read, i.temp_blocks_written, i.block_time_ms, i.interval_start, i.rows_examined_is_estimate, i.squared_time,
    @ExecutedAt::timestamptz
from unnest(
    @Ids::uuid[], @QueryIds::bigint[], @DatabaseOids::bigint[]::oid[], @UserOids::bigint[]::oid[], @TopLevels::boolean[],
    @Calls::bigint[], @TotalTimes::float8[],
    @Rows::bigint[], @BlocksHit::bigint[], @BlocksRead::bigint[], @TempBlocksWritten::bigint[], @BlockTimes::float8[],
    @Starts::timestamptz[],
    @Estimates::boolean[], @SquaredTimes::float8[])
    as i (id, queryid, dbid, userid, toplevel, calls, total_time_ms, rows, shared_blocks_hit, shared_blocks_read,
        temp_blocks_written, block_time_ms, interval_start, rows_examined_is_estimate, squared_time)
