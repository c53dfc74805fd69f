-- Purpose: since when the counters count and what they cannot see. A database that was never reset has no time of its own; what
-- PostgreSQL keeps for the background writer then is not earlier than the last crash, which also loses the counters.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.clock_timestamp() as now,
    coalesce(
        (select d.stats_reset from pg_catalog.pg_stat_database d where d.datname = pg_catalog.current_database()),
        (select b.stats_reset from pg_catalog.pg_stat_bgwriter b)) as since,
    pg_catalog.current_setting('track_counts')::bool as is_tracking,
    pg_catalog.pg_is_in_recovery() as is_standby,
    (
        select pg_catalog.count(distinct coalesce(s.slot_name::text, w.pid::text))::int
        from (select r.slot_name, r.active_pid from pg_catalog.pg_replication_slots r where r.slot_type = 'physical') s
        full join pg_catalog.pg_stat_replication w on w.pid = s.active_pid
    ) as standby_count
