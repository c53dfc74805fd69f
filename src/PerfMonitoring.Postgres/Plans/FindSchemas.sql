-- Purpose: the schemas that have a table or view, a type, or a function with a name; which of them is known by the SQLSTATE of
-- the error about the name.
-- Minimum version: 13. Privileges: none; schemas that the role may not use are left out.
select n.nspname::text
from pg_catalog.pg_namespace n
where n.nspname !~ '^(pg_|information_schema$|perf_monitoring(_.*_[0-9a-f]{8})?$)'
    and pg_catalog.has_schema_privilege(n.oid, 'usage')
    and case @SqlState::text
        when '42P01' then exists (
            select from pg_catalog.pg_class c
            where c.relnamespace = n.oid and c.relname = @Name::text and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S'))
        when '42704' then exists (
            select from pg_catalog.pg_type t where t.typnamespace = n.oid and t.typname = @Name::text)
        when '42883' then exists (
            select from pg_catalog.pg_proc p where p.pronamespace = n.oid and p.proname = @Name::text)
    end
order by n.nspname
