-- Purpose: the start time of the counters, and the activity that they cannot see. A database without a reset has no start time.
-- The background writer's start time is then used: it is not earlier than the last crash, which also clears the counters.
-- Standbys are walsenders and physical slots. Logical replication and programs that only archive are left out, because they
-- replay nothing.
-- Minimum version: 13. Privileges: none; pg_read_all_stats to tell archiving programs from standbys.
select
    pg_catalog.clock_timestamp() as now,
    coalesce(
        (select d.stats_reset from pg_catalog.pg_stat_database d where d.datname = pg_catalog.current_database()),
        (select b.stats_reset from pg_catalog.pg_stat_bgwriter b)) as since,
    pg_catalog.current_setting('track_counts')::bool as is_tracking,
    pg_catalog.pg_is_in_recovery() as is_standby,
    pg_catalog.pg_postmaster_start_time() as started_at,
    exists (select from pg_catalog.pg_stat_wal_receiver v where v.pid is not null) as is_receiving,
    (
        select pg_catalog.count(*)::int
        from (select r.slot_type, r.active_pid from pg_catalog.pg_replication_slots r) s
        full join pg_catalog.pg_stat_replication w on w.pid = s.active_pid
        where coalesce(s.slot_type, 'physical') = 'physical'
            and coalesce(w.state, '') <> 'backup'
            and (w.write_lsn is null or w.replay_lsn is not null)
    ) as standby_count
