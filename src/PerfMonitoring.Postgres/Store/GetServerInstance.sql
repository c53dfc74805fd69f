-- Purpose: what tells a server from a physical copy of it: when it was started, and the timeline of its write-ahead log.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.pg_postmaster_start_time() as started_at,
    pg_catalog.pg_is_in_recovery() as is_in_recovery,
    case when not pg_catalog.pg_is_in_recovery()
        then ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))::bit(32)::int
    end as timeline
