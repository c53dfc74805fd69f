-- Purpose: takes the first free lock among some locks of builders; no row if all are taken. The key of a table's lock is its oid
-- (a partition uses that of its root). The keys of the places of a database start at 0 and are below every table's oid. The
-- statement does not wait, because a waiting statement would hold a snapshot for which the other's CREATE INDEX CONCURRENTLY
-- waits.
-- Minimum version: 13. Privileges: none.
select k.key
from pg_catalog.unnest(@Keys::bigint[]) k (key)
where pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended(
    'perf_monitoring.index_creation',
    coalesce(pg_catalog.pg_partition_root(k.key::oid::pg_catalog.regclass)::oid::bigint, k.key)))
limit 1
