-- Purpose: objects in the store that could run code of somebody whom this role does not trust, and the statement that removes
-- each. Superusers and this role itself are trusted. A role that cannot become a superuser also trusts the owner of the schema. A
-- first row without a finding says that there is a store.
-- Minimum version: 13. Privileges: none.
with recursive us as (
    select
        r.oid,
        r.rolname,
        r.rolsuper or r.rolcreaterole or pg_catalog.pg_has_role('pg_execute_server_program', 'usage')
            or pg_catalog.pg_has_role('pg_write_server_files', 'usage')
                or pg_catalog.pg_has_role('pg_read_server_files', 'usage') as is_powerful
    from pg_catalog.pg_roles r
    where r.rolname = current_user
),
store as (
    select n.oid, n.nspowner, n.nspname
    from pg_catalog.pg_namespace n
    where n.nspname = @SchemaName::text
),
trusted as (
    select r.oid
    from pg_catalog.pg_roles r, us, store
    where r.rolsuper or r.oid = us.oid or (r.oid = store.nspowner and not us.is_powerful)
),
tables as (
    select c.oid, c.relnamespace, c.relname, c.relkind, c.relowner, c.relrowsecurity, c.relacl
    from pg_catalog.pg_class c
    join store on store.oid = c.relnamespace
    where c.relname = any (@Tables::text[]::pg_catalog.name[])
    union
    select c.oid, c.relnamespace, c.relname, c.relkind, c.relowner, c.relrowsecurity, c.relacl
    from tables t
    join pg_catalog.pg_inherits h on h.inhparent = t.oid
    join pg_catalog.pg_class c on c.oid = h.inhrelid
),
named as (
    select t.oid, t.relnamespace, t.relname, t.relkind, t.relowner, t.relrowsecurity, t.relacl,
        t.oid::pg_catalog.regclass::text as name
    from tables t
),
expected as (
    select f.name, f.body, f.is_definer
    from unnest(@Functions::text[], @Bodies::text[], @Definers::bool[]) as f (name, body, is_definer)
),
functions as (
    select p.oid, p.proname, p.proowner, p.prosrc, p.prosecdef, p.proconfig, l.lanname,
        p.oid::pg_catalog.regprocedure::text as name
    from pg_catalog.pg_proc p
    join store on store.oid = p.pronamespace
    join pg_catalog.pg_language l on l.oid = p.prolang
    where p.proname = any (@Functions::text[]::pg_catalog.name[])
),
types as (
    select y.oid, y.typname, y.typtype, y.typowner, y.oid::pg_catalog.regtype::text as name
    from pg_catalog.pg_type y
    join store on store.oid = y.typnamespace
    where y.typname = any (@Types::text[]::pg_catalog.name[])
),
-- Expressions as the server writes them, without their literals.
expressions as (
    select
        'default of ' || n.name || '.' || pg_catalog.quote_ident(a.attname) as what,
        pg_catalog.format('alter table %s alter column %I drop %s;', n.name, a.attname,
            case when a.attgenerated = '' then 'default' else 'expression' end) as remedy,
        pg_catalog.pg_get_expr(d.adbin, d.adrelid) as text,
        a.attgenerated <> '' as is_foreign
    from named n
    join pg_catalog.pg_attrdef d on d.adrelid = n.oid
    join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    union all
    select
        'constraint ' || pg_catalog.quote_ident(o.conname) || ' of ' || n.name,
        pg_catalog.format('alter table %s drop constraint %I;', n.name, o.conname),
        pg_catalog.pg_get_constraintdef(o.oid),
        o.contype = 'x'
    from named n
    join pg_catalog.pg_constraint o on o.conrelid = n.oid
    where o.contype in ('c', 'x')
    union all
    select
        'index ' || i.indexrelid::pg_catalog.regclass::text,
        pg_catalog.format('drop index %s;', i.indexrelid::pg_catalog.regclass),
        coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), ''),
        i.indexprs is not null
    from named n
    join pg_catalog.pg_index i on i.indrelid = n.oid
),
bare as (
    select e.what, e.remedy, e.is_foreign, pg_catalog.regexp_replace(e.text, '''([^'']|'''')*''', '', 'g') as text
    from expressions e
),
findings as (
    select 0 as rank, '' as what, null as remedy
    from store
    union all
    select 1, 'schema ' || s.nspname || ' belongs to ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.nspowner)),
        'alter schema ' || s.nspname || ' owner to ' || pg_catalog.quote_ident(us.rolname) || ';'
    from store s, us
    where s.nspowner not in (select t.oid from trusted t)
    union all
    select 2, n.name || ' belongs to ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(n.relowner)),
        pg_catalog.format('alter table %s owner to %I;', n.name, us.rolname)
    from named n, us
    where n.relowner not in (select t.oid from trusted t)
    union all
    select 2, f.name || ' belongs to ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(f.proowner)),
        pg_catalog.format('alter function %s owner to %I;', f.name, us.rolname)
    from functions f, us
    where f.proowner not in (select t.oid from trusted t)
    union all
    select 2, y.name || ' belongs to ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(y.typowner)),
        pg_catalog.format('alter type %s owner to %I;', y.name, us.rolname)
    from types y, us
    where y.typowner not in (select t.oid from trusted t)
    union all
    select 3, n.name || ' is no table of the store', null
    from named n, store
    where n.relkind not in ('r', 'p') or n.relnamespace <> store.oid
    union all
    select 3, y.name || ' is no enum', null
    from types y
    where y.typtype <> 'e'
    union all
    select 3, 'column ' || n.name || '.' || pg_catalog.quote_ident(a.attname) || ' is of type '
        || a.atttypid::pg_catalog.regtype::text, null
    from named n
    join pg_catalog.pg_attribute a on a.attrelid = n.oid
    join pg_catalog.pg_type y on y.oid = a.atttypid
    join pg_catalog.pg_namespace yn on yn.oid = y.typnamespace
    where a.attnum > 0 and not a.attisdropped and yn.nspname <> 'pg_catalog' and y.oid not in (select t.oid from types t)
    union all
    select 3, f.name || ' is not the store''s', null
    from functions f
    where f.lanname not in ('sql', 'plpgsql')
        or not exists (
            select
            from expected e
            where e.name = f.proname and e.body = f.prosrc and e.is_definer = f.prosecdef
                and f.proconfig is not distinct
                    from case when e.is_definer then '{"search_path=pg_catalog, pg_temp"}'::text[] end)
        or (select pg_catalog.count(*) from functions o where o.proname = f.proname) > 1
    union all
    select 4, 'trigger ' || pg_catalog.quote_ident(g.tgname) || ' on ' || n.name,
        pg_catalog.format('drop trigger %I on %s;', g.tgname, n.name)
    from named n
    join pg_catalog.pg_trigger g on g.tgrelid = n.oid
    where not g.tgisinternal
    union all
    select 4, 'rule ' || pg_catalog.quote_ident(w.rulename) || ' on ' || n.name,
        pg_catalog.format('drop rule %I on %s;', w.rulename, n.name)
    from named n
    join pg_catalog.pg_rewrite w on w.ev_class = n.oid
    where n.relkind in ('r', 'p')
    union all
    select 4, 'policy ' || pg_catalog.quote_ident(l.polname) || ' on ' || n.name,
        pg_catalog.format('drop policy %I on %s;', l.polname, n.name)
    from named n
    join pg_catalog.pg_policy l on l.polrelid = n.oid
    union all
    select 5, 'row security of ' || n.name, pg_catalog.format('alter table %s disable row level security;', n.name)
    from named n
    where n.relrowsecurity
    union all
    select 4, 'statistics ' || x.stxname::text || ' on ' || n.name,
        pg_catalog.format('drop statistics %s.%I;', x.stxnamespace::pg_catalog.regnamespace, x.stxname)
    from named n
    join pg_catalog.pg_statistic_ext x on x.stxrelid = n.oid
    union all
    select 4, 'partition key of ' || n.name, null
    from named n
    join pg_catalog.pg_partitioned_table k on k.partrelid = n.oid
    where k.partexprs is not null
    union all
    select 5, 'the right of ' || coalesce(pg_catalog.quote_ident(r.rolname), 'public') || ' to make triggers on ' || n.name,
        pg_catalog.format('revoke trigger on %s from %s;', n.name, coalesce(pg_catalog.quote_ident(r.rolname), 'public'))
    from named n
    cross join lateral pg_catalog.aclexplode(n.relacl) a
    left join pg_catalog.pg_roles r on r.oid = a.grantee
    where a.privilege_type = 'TRIGGER' and a.grantee not in (select t.oid from trusted t)
    union all
    select 4, b.what, b.remedy
    from bare b
    where b.is_foreign
        or b.text ~ 'OPERATOR|[a-zA-Z_"]\.' and b.text !~ '^nextval\(::regclass\)$'
            and pg_catalog.replace(b.text, @SchemaName::text || '.', '') ~ 'OPERATOR|[a-zA-Z_"]\.'
        or exists (
            select
            from pg_catalog.regexp_matches(b.text, '([a-zA-Z_0-9"]+)\s*\(', 'g') m
            where pg_catalog.lower(m[1]) not in (
                'check', 'any', 'all', 'and', 'or', 'not', 'array', 'length', 'now', 'clock_timestamp', 'gen_random_uuid',
                'nextval', 'numeric', 'varchar'))
)
select f.what, f.remedy
from findings f
order by f.rank, f.what
