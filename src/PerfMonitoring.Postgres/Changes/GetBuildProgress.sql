-- Purpose: the progress of a build, and the sessions that it waits for. No row before the start and after the end.
-- Minimum version: 13. Privileges: those of the builder; pg_read_all_stats to see who the others are.
select
    p.phase,
    p.tuples_done,
    p.tuples_total,
    p.blocks_done,
    p.blocks_total,
    b.pid as process_id,
    o.usename::text as user_name,
    o.application_name,
    o.state,
    o.xact_start as transaction_start
from pg_catalog.pg_stat_activity a
left join pg_catalog.pg_stat_progress_create_index p on p.pid = a.pid
left join lateral pg_catalog.unnest(
    case when a.wait_event_type = 'Lock' then pg_catalog.pg_blocking_pids(a.pid) end) b (pid) on true
left join pg_catalog.pg_stat_activity o on o.pid = b.pid
where a.pid = @ProcessId::int
order by b.pid
