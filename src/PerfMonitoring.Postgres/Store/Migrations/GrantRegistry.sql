-- Purpose: the statements that let the users of a schema find it in the list of monitored databases; those that collect also
-- write where they saw the database.
-- Minimum version: 13. Privileges: none.
select pg_catalog.format(g.grant_text, 'perf_monitoring', coalesce(pg_catalog.quote_ident(r.rolname), 'public'))
from pg_catalog.pg_namespace n
cross join lateral pg_catalog.aclexplode(n.nspacl) a
left join pg_catalog.pg_roles r on r.oid = a.grantee
cross join lateral (
    values
        ('grant usage on schema %1$I to %2$s', true),
        ('grant select on %1$I.registered_database, %1$I.database_sighting to %2$s', true),
        ('grant insert, update on %1$I.database_sighting to %2$s', exists (
            select
            from pg_catalog.pg_class c
            cross join lateral pg_catalog.aclexplode(c.relacl) w
            where c.relnamespace = n.oid and c.relname = 'query_performance_log' and w.grantee = a.grantee
                and w.privilege_type = 'INSERT'))
) g (grant_text, is_given)
where n.nspname = @SchemaName::text and a.privilege_type = 'USAGE' and a.grantee <> n.nspowner and g.is_given
