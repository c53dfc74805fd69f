-- Purpose: whether an index exists, is usable, and is being built. A role that may not see the builds of others assumes that the
-- holder of a build's lock on the table is its builder.
-- Minimum version: 13. Privileges: none; pg_read_all_stats to see the builds of others.
select
    i.indisvalid and i.indisready and i.indislive as is_valid,
    exists (
        select
        from pg_catalog.pg_stat_progress_create_index p
        where p.index_relid = i.indexrelid
            -- REINDEX CONCURRENTLY of a table creates all its new indexes first and reports only the one that it fills.
            or (p.relid = i.indrelid and not i.indisvalid)
            or (p.index_relid is null and p.pid in (
                select l.pid
                from pg_catalog.pg_locks l
                where l.relation = i.indrelid and l.mode = 'ShareUpdateExclusiveLock' and l.granted))
    ) as is_being_built
from pg_catalog.pg_index i
where i.indexrelid = @Oid::bigint::oid
