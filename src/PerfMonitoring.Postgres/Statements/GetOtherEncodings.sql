-- Purpose: the other databases with statements that may have characters which this database's encoding
-- lacks. A dropped database has neither name nor encoding. SQL_ASCII holds any bytes.
-- Minimum version: 13. Privileges: none. The extension's schema replaces public.
select
    s.dbid as oid,
    d.datname::text as name,
    pg_catalog.pg_encoding_to_char(d.encoding)::text as encoding
from public.pg_stat_statements(false) s
left join pg_catalog.pg_database d on d.oid = s.dbid
where d.encoding is distinct from (
    select o.encoding from pg_catalog.pg_database o where o.datname = pg_catalog.current_database())
group by s.dbid, d.datname, d.encoding
order by d.datname, s.dbid
