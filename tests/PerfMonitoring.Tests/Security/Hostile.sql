-- Fills public, and a schema before it in everybody's search path, with a stranger's objects for whatever the system's catalog
-- has: operators (also for pairs of types
-- that the system has none for), functions, types, casts, and relations with the names of the system's. Each function writes
-- HOSTILE to the server's log when it is called.
-- "hostile" is the name of a role that exists.
create schema early authorization hostile;
grant create, usage on schema public to hostile;
set role hostile;
-- What follows must not call what it makes.
set search_path = pg_catalog;

do $do$
declare
    schema_name text;
    o record;
begin
    foreach schema_name in array array['early', 'public'] loop
        for o in
            select distinct pg_catalog.format_type(p.oprleft, null) as l, pg_catalog.format_type(p.oprright, null) as r,
                pg_catalog.format_type(p.oprresult, null) as t
            from pg_catalog.pg_operator p
            where p.oprnamespace = 'pg_catalog'::regnamespace and p.oprleft <> 0 and p.oprright <> 0
                and not exists (
                    select from pg_catalog.pg_type t where t.oid in (p.oprleft, p.oprright, p.oprresult) and t.typtype = 'p')
            union
            select l, r, t
            from unnest(array['boolean', 'smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric', 'text',
                'character varying', 'name', '"char"', 'oid', 'regclass', 'timestamp with time zone', 'interval']) l
            cross join unnest(array['boolean', 'smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric', 'text',
                'character varying', 'name', '"char"', 'oid', 'regclass', 'timestamp with time zone', 'interval']) r
            cross join lateral (values ('boolean'), (l)) v (t)
        loop
            execute pg_catalog.format(
                'create or replace function %I.%I (%s, %s) returns %s immutable language plpgsql as %L',
                schema_name, 'returns_' || o.t, o.l, o.r, o.t,
                pg_catalog.format('begin raise log %L; return null; end', 'HOSTILE operator(' || o.l || ', ' || o.r || ')'));
        end loop;

        for o in
            select p.oprname as name, pg_catalog.format_type(p.oprleft, null) as l, pg_catalog.format_type(p.oprright, null) as r,
                pg_catalog.format_type(p.oprresult, null) as t
            from pg_catalog.pg_operator p
            where p.oprnamespace = 'pg_catalog'::regnamespace and p.oprleft <> 0 and p.oprright <> 0
                and not exists (
                    select from pg_catalog.pg_type t where t.oid in (p.oprleft, p.oprright, p.oprresult) and t.typtype = 'p')
            union
            select n, l, r, case when n ~ '^[-+*/%|&#^]+$' and n <> '&&' then l else 'boolean' end
            from unnest(array['=', '<>', '<', '>', '<=', '>=', '+', '-', '*', '/', '%', '||', '~', '!~', '~*', '~~', '!~~', '~~*',
                '&&', '@>', '<@', '&', '|']) n
            cross join unnest(array['boolean', 'smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric', 'text',
                'character varying', 'name', '"char"', 'oid', 'regclass', 'timestamp with time zone', 'interval']) l
            cross join unnest(array['boolean', 'smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric', 'text',
                'character varying', 'name', '"char"', 'oid', 'regclass', 'timestamp with time zone', 'interval']) r
            where not exists (
                select from pg_catalog.pg_operator p
                where p.oprnamespace = 'pg_catalog'::regnamespace and p.oprname = n
                    and pg_catalog.format_type(p.oprleft, null) = l and pg_catalog.format_type(p.oprright, null) = r)
        loop
            execute pg_catalog.format(
                'create operator %I.%s (leftarg = %s, rightarg = %s, function = %I.%I)', schema_name, o.name, o.l, o.r,
                schema_name, 'returns_' || o.t);
        end loop;

        for o in
            select p.proname as name, pg_catalog.oidvectortypes(p.proargtypes) as arguments,
                pg_catalog.format_type(p.prorettype, null) as t
            from pg_catalog.pg_proc p
            where p.pronamespace = 'pg_catalog'::regnamespace
                and not exists (
                    select from pg_catalog.pg_type t where t.typtype = 'p'
                        and (t.oid = p.prorettype or t.oid = any (p.proargtypes::oid[])))
        loop
            execute pg_catalog.format(
                'create or replace function %I.%I (%s) returns %s immutable language plpgsql as %L',
                schema_name, o.name, o.arguments, o.t,
                pg_catalog.format('begin raise log %L; return null; end', 'HOSTILE function ' || o.name));
        end loop;

        execute pg_catalog.format(
            'create function %I.hostile_told (pg_catalog.text) returns boolean immutable language plpgsql as %L', schema_name,
            'begin raise log $$HOSTILE %$$, $1; return true; end');
        for o in
            select t.typname as name
            from pg_catalog.pg_type t
            where t.typnamespace = 'pg_catalog'::regnamespace and t.typtype = 'b' and t.typname !~ '^_'
                and t.typname !~ '^pg_|^any'
        loop
            execute pg_catalog.format(
                'create domain %I.%I as pg_catalog.%I check (%I.hostile_told(%L::pg_catalog.text))', schema_name, o.name, o.name,
                schema_name, 'type ' || o.name);
        end loop;

        execute pg_catalog.format('create type %I.hostile_enum as enum (%L)', schema_name, 'a');
        execute pg_catalog.format(
            'create function %1$I.hostile_cast (pg_catalog.text) returns %1$I.hostile_enum immutable language plpgsql as %2$L',
            schema_name,
            'begin raise log $$HOSTILE cast$$; return null; end');
        execute pg_catalog.format(
            'create cast (pg_catalog.text as %1$I.hostile_enum) with function %1$I.hostile_cast (pg_catalog.text) as implicit',
            schema_name);

        for o in
            select c.relname as name
            from pg_catalog.pg_class c
            where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind in ('r', 'v')
        loop
            execute pg_catalog.format(
                'create view %1$I.%2$I as select %1$I.hostile_told(%3$L::pg_catalog.text) as told', schema_name, o.name,
                'relation ' || o.name);
        end loop;
    end loop;
end
$do$;

reset role;
reset search_path;
