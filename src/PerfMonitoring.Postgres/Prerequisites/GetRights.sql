-- Purpose: what this role may see and change in the monitored database.
-- Minimum version: 13. Privileges: none.
with tables as (
    select
        c.relowner,
        n.nspname,
        pg_catalog.pg_has_role(c.relowner, 'usage') as owned,
        pg_catalog.pg_has_role(c.relowner, 'usage') and pg_catalog.has_schema_privilege(n.oid, 'create') as indexable
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm') and c.relpersistence <> 't'
        and n.nspname not in ('pg_catalog', 'information_schema', 'perf_monitoring') and n.nspname not like 'pg\_%'
)
select
    pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as reads_all_statistics,
    pg_catalog.pg_has_role('pg_monitor', 'usage') as is_monitor,
    (select pg_catalog.count(1) from tables) as tables,
    (select pg_catalog.count(1) from tables t where t.indexable) as indexable_tables,
    (
        select r.rolname::text
        from tables t
        join pg_catalog.pg_roles r on r.oid = t.relowner
        where not t.owned and not r.rolsuper
        group by r.rolname
        order by pg_catalog.count(1) desc, r.rolname
        limit 1
    ) as other_owner,
    (select pg_catalog.min(t.nspname::text) from tables t where t.owned and not t.indexable) as closed_schema
