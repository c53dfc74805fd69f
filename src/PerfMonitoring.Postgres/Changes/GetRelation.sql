-- Purpose: the relation with a name in a schema. For an index, also its table and whether somebody builds it. A role that may not
-- see the builds of others assumes that the holder of a build's lock on the table is its builder.
-- Minimum version: 13. Privileges: none; pg_read_all_stats to see the builds of others.
select
    c.oid,
    i.indrelid as table_oid,
    i.indisvalid and i.indisready and i.indislive as is_valid,
    exists (
        select
        from pg_catalog.pg_stat_progress_create_index p
        where p.index_relid = c.oid
            or (p.index_relid is null and p.pid in (
                select l.pid
                from pg_catalog.pg_locks l
                where l.relation = i.indrelid and l.mode = 'ShareUpdateExclusiveLock' and l.granted))
    ) as is_being_built,
    case when c.relkind = 'i' then pg_catalog.pg_relation_size(c.oid) end as size_bytes
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_index i on i.indexrelid = c.oid
where n.nspname = @SchemaName::text and c.relname = @Name::text
