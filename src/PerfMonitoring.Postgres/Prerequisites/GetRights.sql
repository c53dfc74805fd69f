-- Purpose: the objects that this role may see and change in the monitored database. Tables of extensions are left out, because
-- they do not belong to the application.
-- Minimum version: 13. Privileges: none.
with tables as (
    select
        c.relkind,
        n.nspname,
        r.rolname,
        r.rolsuper,
        pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select') as readable,
        pg_catalog.pg_has_role(c.relowner, 'usage') as owned,
        pg_catalog.has_schema_privilege(n.oid, 'create') as open
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_roles r on r.oid = c.relowner
    where c.relkind in ('r', 'p', 'm', 'v', 'f') and c.relpersistence <> 't'
        and n.nspname !~ '^(pg_|information_schema$|perf_monitoring(_.*_[0-9a-f]{8})?$)'
        and not exists (
            select from pg_catalog.pg_depend d
            where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
),
indexed as (
    select t.nspname, t.rolname, t.rolsuper, t.owned, t.open from tables t where t.relkind in ('r', 'p', 'm')
)
select
    u.rolinherit as inherits,
    pg_catalog.pg_has_role('pg_read_all_stats', 'usage') as reads_all_statistics,
    (select pg_catalog.count(1) from tables) as relations,
    (select pg_catalog.count(1) from tables t where t.readable) as readable_relations,
    array(select distinct t.nspname::text from tables t where not t.readable order by 1) as unreadable_schemas,
    (select pg_catalog.count(1) from indexed) as tables,
    (select pg_catalog.count(1) from indexed t where t.owned and t.open) as indexable_tables,
    array(select distinct t.rolname::text from indexed t where not t.owned and not t.rolsuper order by 1) as other_owners,
    array(select distinct t.nspname::text from indexed t where not t.open and (t.owned or not t.rolsuper)
        order by 1) as closed_schemas,
    array(select distinct t.rolname::text from indexed t where not t.owned and t.rolsuper order by 1) as super_owners
from pg_catalog.pg_roles u
where u.rolname = current_user
