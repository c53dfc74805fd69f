-- Purpose: blocks and scans of the user's tables; the store's own are left out.
-- Minimum version: 13. Privileges: none.
select
    io.relid as oid,
    coalesce(io.heap_blks_hit, 0) + coalesce(io.idx_blks_hit, 0)
        + coalesce(io.toast_blks_hit, 0) + coalesce(io.tidx_blks_hit, 0) as blocks_hit,
    coalesce(io.heap_blks_read, 0) + coalesce(io.idx_blks_read, 0)
        + coalesce(io.toast_blks_read, 0) + coalesce(io.tidx_blks_read, 0) as blocks_read,
    coalesce(s.idx_scan, 0) as index_scans,
    coalesce(s.seq_scan, 0) as sequential_scans
from pg_catalog.pg_statio_user_tables io
join pg_catalog.pg_stat_user_tables s on s.relid = io.relid
where io.schemaname !~ '^perf_monitoring(_.*_[0-9a-f]{8})?$'
order by io.relid
