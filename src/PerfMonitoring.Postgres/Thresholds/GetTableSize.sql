-- Purpose: the total size of some tables, with indexes and TOAST.
-- Minimum version: 13. Privileges: none.
select
    coalesce(pg_catalog.sum(pg_catalog.pg_total_relation_size(o.oid::oid)), 0)::bigint as bytes,
    pg_catalog.clock_timestamp() as taken_at
from pg_catalog.unnest(@Oids::bigint[]) as o (oid)
