-- Purpose: takes the first free one of some locks of builders; nothing where none is. A table (a partition stands for its whole
-- tree) has the lock of its
-- oid, the places of a database those from 0 on, which no table has. It does not wait: waiting would hold a snapshot that CREATE
-- INDEX CONCURRENTLY of
-- the other waits for.
-- Minimum version: 13. Privileges: none.
select k.key
from pg_catalog.unnest(@Keys::bigint[]) k (key)
where pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended(
    'perf_monitoring.index_creation', coalesce(pg_catalog.pg_partition_root(k.key::oid::pg_catalog.regclass)::oid::bigint, k.key)))
limit 1
