-- Purpose: the given types that have no default operator class of an access method.
-- Minimum version: 13. Privileges: none.
select distinct pg_catalog.format_type(t.oid, null) as type
from pg_catalog.pg_type t
join pg_catalog.pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
where t.oid = any (@Types::bigint[]::oid[])
    and not exists (
        select 1
        from pg_catalog.pg_opclass o
        join pg_catalog.pg_am m on m.oid = o.opcmethod
        where m.amname = @Method::text and o.opcdefault
            and (o.opcintype = b.oid
                or (o.opcintype = 'pg_catalog.text'::pg_catalog.regtype and b.oid = 'pg_catalog.varchar'::pg_catalog.regtype)
                or (o.opcintype = 'pg_catalog.anyenum'::pg_catalog.regtype and b.typtype = 'e')
                or (o.opcintype = 'pg_catalog.anyarray'::pg_catalog.regtype and b.typcategory = 'A')
                or (o.opcintype = 'pg_catalog.anyrange'::pg_catalog.regtype and b.typtype = 'r')))
order by 1
