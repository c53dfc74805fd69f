-- Purpose: the code that planning a statement may run: functions in SQL or a procedural language, foreign tables, and functions
-- of the system that read objects named by a text. A function counts if the statement's words name it. It also counts if it
-- stands behind an operator, type, cast, view, rule, policy, constraint, default, index, statistics object or partition of the
-- named objects. The words include more than the statement's names, so nothing is missed, and sometimes too much is found.
-- perf_monitoring.schemas holds the schemas in which the statement's names are looked up.
-- With @Raises, the first function that no trusted owner has (GetCodeOwners.sql) or that was not checked before (@Known) ends
-- the transaction (22012). The rest of the same batch then does not run.
-- Minimum version: 13. Privileges: none.
with recursive path as (
    select s.name, s.place
    from pg_catalog.unnest(pg_catalog.current_setting('perf_monitoring.schemas')::name[]) with ordinality s (name, place)
    where s.name !~ '^pg_temp'
),
-- If the system's schema does not come first, other objects may replace its operators and functions, whatever the words are.
own as (
    select coalesce((select p.name <> 'pg_catalog' from path p order by p.place limit 1), true) as comes_first
),
schemas as materialized (
    select n.oid, n.nspname in (select p.name from path p) as is_on_path
    from pg_catalog.pg_namespace n
    where n.nspname in (select p.name from path p) or n.nspname = any (@Words::name[])
),
reached (class, oid) as (
    select s.class, s.oid
    from (
        select 'pg_catalog.pg_class'::regclass::oid as class, c.oid
        from pg_catalog.pg_class c
        where c.relname = any (@Words::name[]) and c.oid >= 16384 and c.relnamespace in (select n.oid from schemas n)
        union all
        select 'pg_catalog.pg_type'::regclass, t.oid
        from pg_catalog.pg_type t
        where t.typname = any (@Words::name[]) and t.oid >= 16384 and t.typnamespace in (select n.oid from schemas n)
        union all
        select 'pg_catalog.pg_proc'::regclass, p.oid
        from pg_catalog.pg_proc p
        where p.proname = any (@Words::name[]) and p.oid >= 16384 and p.pronamespace in (select n.oid from schemas n)
        union all
        select 'pg_catalog.pg_proc'::regclass, p.oid
        from pg_catalog.pg_proc p
        where (select o.comes_first from own o) and p.oid >= 16384 and p.pronamespace in (select n.oid from schemas n)
        union all
        -- Keywords also stand for operators: LIKE, IN, BETWEEN, CASE. Operators are looked up along the path, and a function may
        -- have another path.
        select 'pg_catalog.pg_operator'::regclass, o.oid
        from pg_catalog.pg_operator o
        join schemas n on n.oid = o.oprnamespace
        where o.oid >= 16384
            and (
                (select w.comes_first from own w)
                or pg_catalog.strpos(@Text::text, o.oprname::text) > 0
                or (
                    o.oprname in ('=', '<>', '<', '<=', '>', '>=', '~~', '!~~', '~~*', '!~~*', '~', '!~')
                    and (n.is_on_path or pg_catalog.cardinality(@Known::text[]) > 0)))
    ) s
    union
    select n.class, n.oid
    from reached r
    cross join lateral (
        select d.refclassid as class, d.refobjid as oid
        from pg_catalog.pg_depend d
        where d.classid = r.class and d.objid = r.oid and d.refobjid >= 16384
            and d.refclassid in (
                'pg_catalog.pg_class'::regclass, 'pg_catalog.pg_type'::regclass, 'pg_catalog.pg_proc'::regclass,
                'pg_catalog.pg_operator'::regclass,
                'pg_catalog.pg_opclass'::regclass, 'pg_catalog.pg_opfamily'::regclass)
        union all
        select e.class, e.oid
        from (
            select 'pg_catalog.pg_rewrite'::regclass::oid as class, w.oid from pg_catalog.pg_rewrite w where w.ev_class = r.oid
            union all
            select 'pg_catalog.pg_constraint'::regclass, c.oid from pg_catalog.pg_constraint c where c.conrelid = r.oid
                and c.contype = 'c'
            union all
            select 'pg_catalog.pg_attrdef'::regclass, f.oid
            from pg_catalog.pg_attrdef f
            join pg_catalog.pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
            where f.adrelid = r.oid and (a.attgenerated <> '' or @Writes::boolean)
            union all
            select 'pg_catalog.pg_policy'::regclass, p.oid from pg_catalog.pg_policy p where p.polrelid = r.oid
            union all
            select 'pg_catalog.pg_statistic_ext'::regclass, s.oid from pg_catalog.pg_statistic_ext s where s.stxrelid = r.oid
            union all
            select 'pg_catalog.pg_class'::regclass, i.indexrelid from pg_catalog.pg_index i where i.indrelid = r.oid
            union all
            select 'pg_catalog.pg_class'::regclass, i.inhrelid from pg_catalog.pg_inherits i where i.inhparent = r.oid
            union all
            select 'pg_catalog.pg_class'::regclass, i.inhparent from pg_catalog.pg_inherits i where i.inhrelid = r.oid
            union all
            select 'pg_catalog.pg_type'::regclass, c.reltype from pg_catalog.pg_class c where c.oid = r.oid and c.reltype <> 0
        ) e
        where r.class = 'pg_catalog.pg_class'::regclass
        union all
        select e.class, e.oid
        from (
            select 'pg_catalog.pg_constraint'::regclass::oid as class, c.oid from pg_catalog.pg_constraint c
                where c.contypid = r.oid
            union all
            select 'pg_catalog.pg_cast'::regclass, c.oid from pg_catalog.pg_cast c where c.castsource = r.oid
                or c.casttarget = r.oid
            union all
            select 'pg_catalog.pg_type'::regclass, t.typelem from pg_catalog.pg_type t where t.oid = r.oid and t.typelem >= 16384
        ) e
        where r.class = 'pg_catalog.pg_type'::regclass
        union all
        select 'pg_catalog.pg_operator'::regclass, p.other
        from pg_catalog.pg_operator o
        cross join lateral (values (o.oprcom), (o.oprnegate)) p (other)
        where r.class = 'pg_catalog.pg_operator'::regclass and o.oid = r.oid and p.other >= 16384
        union all
        select e.class, e.oid
        from (
            select 'pg_catalog.pg_proc'::regclass::oid as class, m.amproc::oid as oid from pg_catalog.pg_amproc m
                where m.amprocfamily = r.oid and m.amproc >= 16384
            union all
            select 'pg_catalog.pg_operator'::regclass, m.amopopr from pg_catalog.pg_amop m where m.amopfamily = r.oid
                and m.amopopr >= 16384
        ) e
        where r.class = 'pg_catalog.pg_opfamily'::regclass
    ) n
),
-- Functions of the system that run or read objects named by a text or a number; the catalog records no dependency on these.
naming as materialized (
    select p.oid, p.proname
    from pg_catalog.pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace
        and (
            p.proname ~ '^(query|cursor|table|schema|database)_to_xml'
            or p.proname in (
                'pg_input_is_valid', 'pg_input_error_info', 'satisfies_hash_partition', 'pg_get_partition_constraintdef',
                'fmgr_sql_validator',
                'array_in', 'record_in', 'domain_in', 'range_in', 'multirange_in', 'ts_rewrite', 'ts_stat'))
),
code (name, owners, body, version) as (
    select p.oid::regprocedure::text, array[p.proowner], pg_catalog.concat_ws(' ', nullif(p.prosrc, ''), p.proconfig::text),
        p.oid::text || ':' || p.xmin::text
    from reached r
    join pg_catalog.pg_proc p on p.oid = r.oid
    where r.class = 'pg_catalog.pg_proc'::regclass and p.prolang not in (12, 13)
    union all
    select 'foreign table ' || c.oid::regclass::text, array[c.relowner, s.srvowner], '', 'f' || c.oid::text || ':' || f.xmin::text
    from reached r
    join pg_catalog.pg_class c on c.oid = r.oid
    join pg_catalog.pg_foreign_table f on f.ftrelid = c.oid
    join pg_catalog.pg_foreign_server s on s.oid = f.ftserver
    where r.class = 'pg_catalog.pg_class'::regclass
    union all
    select distinct 'pg_catalog.' || n.proname::text, array[0::oid], '', ''
    from naming n
    where n.proname = any (@Words::name[])
        or exists (
            select from reached r
            cross join lateral (
                select w.ev_action::text as tree from pg_catalog.pg_rewrite w where r.class = 'pg_catalog.pg_rewrite'::regclass
                    and w.oid = r.oid
                union all
                select c.conbin::text from pg_catalog.pg_constraint c where r.class = 'pg_catalog.pg_constraint'::regclass
                    and c.oid = r.oid
                union all
                select f.adbin::text from pg_catalog.pg_attrdef f where r.class = 'pg_catalog.pg_attrdef'::regclass
                    and f.oid = r.oid
                union all
                select pg_catalog.concat_ws(' ', p.polqual::text, p.polwithcheck::text)
                from pg_catalog.pg_policy p
                where r.class = 'pg_catalog.pg_policy'::regclass and p.oid = r.oid
                union all
                select pg_catalog.concat_ws(' ', i.indexprs::text, i.indpred::text)
                from pg_catalog.pg_index i
                where r.class = 'pg_catalog.pg_class'::regclass and i.indexrelid = r.oid
                union all
                select p.partexprs::text from pg_catalog.pg_partitioned_table p where r.class = 'pg_catalog.pg_class'::regclass
                    and p.partrelid = r.oid
            ) t
            where pg_catalog.strpos(t.tree, ':funcid ' || n.oid::text || ' ') > 0)
)
select
    j.name,
    j.owner,
    j.is_trusted,
    j.body,
    j.version,
    1 / (case when @Raises::boolean and not (j.is_trusted and j.version = any (@Known::text[])) then 0 else 1 end) as raised
from (
    select
        c.name,
        (
            select coalesce(pg_catalog.pg_get_userbyid(nullif(o.oid, 0::oid))::text, 'the system')
            from pg_catalog.unnest(c.owners) o (oid)
            where not o.oid = any (@Trusted::oid[])
            limit 1
        ) as owner,
        c.owners <@ @Trusted::oid[] as is_trusted,
        c.body,
        c.version
    from code c
) j
order by j.is_trusted, j.name
