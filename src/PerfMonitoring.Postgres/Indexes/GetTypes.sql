-- Purpose: the properties of types and of the operators that compare their values. A domain, also a nested one, is replaced by
-- its base type. A cast to one of the labels does not change a value, and the operators of the label are those of an index on
-- it: the base type itself, and the type whose default operator class it uses (indexcmds.c, GetDefaultOpClass). The modifier of
-- an array is that of its elements. An array or a range counts as having an operator class only if its elements have one: the
-- class exists for every array and range, but fails at each write if the elements have none.
-- Minimum version: 13. Privileges: none.
select
    x.type_oid as type_oid,
    x.modifier as modifier,
    b.typname::text as name,
    b.typnamespace = 'pg_catalog'::pg_catalog.regnamespace as is_built_in,
    b.typtype::text as kind,
    b.typcategory::text as category,
    b.typlen::int as length,
    y.base_modifier as base_modifier,
    s.typlen::int as subtype_length,
    e.typname::text as element_name,
    e.typlen::int as element_length,
    y.element_modifier as element_modifier,
    pg_catalog.pg_encoding_max_length(d.encoding) as character_bytes,
    o.btrees = 1 + (e.oid is not null)::int + (s.oid is not null)::int as has_btree,
    o.hashes = 1 + (e.oid is not null)::int + (s.oid is not null)::int as has_hash,
    array(
        select pg_catalog.format_type(b.oid, l.modifier)
        from pg_catalog.unnest(array[-1, y.base_modifier]) l (modifier)
        union
        select pg_catalog.format_type(k.casttarget, -1)
        from pg_catalog.pg_cast k
        join pg_catalog.pg_type l on l.oid = k.casttarget
        where k.castsource = b.oid and k.castmethod = 'b' and k.castcontext = 'i' and l.typispreferred
            and not exists (
                select 1
                from pg_catalog.pg_opclass q
                join pg_catalog.pg_am n on n.oid = q.opcmethod
                where q.opcdefault and q.opcintype = b.oid and n.amname = 'btree')
    ) as labels,
    coalesce(o.can_deduplicate, false)
        -- Entries of character(n) were deduplicated up to the releases of May 2026 (bt_metap() says so of 15.18) and are not any
        -- more (15.20), whatever the operator class says.
        and (b.oid <> 'pg_catalog.bpchar'::pg_catalog.regtype or v.number < case v.number / 10000
            when 13 then 140000 when 14 then 140024 when 15 then 150019 when 16 then 160015 when 17 then 170011 when 18
                then 180005 else 0
        end) as can_deduplicate
from rows from (pg_catalog.unnest(@TypeOids::bigint[]), pg_catalog.unnest(@Modifiers::int[])) x (type_oid, modifier)
cross join lateral (
    with recursive base (oid, modifier, element) as (
        select x.type_oid::oid, x.modifier, false
        union all
        select
            case when t.typtype = 'd' then t.typbasetype else a.oid end,
            case when t.typtype = 'd' then t.typtypmod else r.modifier end,
            r.element or t.typtype <> 'd'
        from base r
        join pg_catalog.pg_type t on t.oid = r.oid
        left join pg_catalog.pg_type a on a.typarray = t.oid
        where t.typtype = 'd' or (a.oid is not null and not r.element)
    )
    select
        pg_catalog.max(r.oid::bigint) filter (where not r.element)::oid as base_oid,
        pg_catalog.max(r.modifier) filter (where not r.element) as base_modifier,
        pg_catalog.max(r.oid::bigint) filter (where r.element)::oid as element_oid,
        pg_catalog.max(r.modifier) filter (where r.element) as element_modifier
    from base r
    join pg_catalog.pg_type t on t.oid = r.oid
    where t.typtype <> 'd'
) y
join pg_catalog.pg_type b on b.oid = y.base_oid
cross join (select pg_catalog.current_setting('server_version_num')::int as number) v
join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
left join pg_catalog.pg_type e on e.oid = y.element_oid
left join pg_catalog.pg_range g on g.rngtypid = b.oid
left join pg_catalog.pg_type s on s.oid = g.rngsubtype
cross join lateral (
    select
        pg_catalog.count(distinct w.oid) filter (where m.amname = 'btree') as btrees,
        pg_catalog.count(distinct w.oid) filter (where m.amname = 'hash') as hashes,
        -- Support function 4 (equalimage) decides. numeric and floats have none, because equal values can look different.
        pg_catalog.bool_or(w.oid = b.oid and f.oid is not null) as can_deduplicate
    from pg_catalog.pg_type w
    join pg_catalog.pg_opclass p on p.opcdefault
        and (p.opcintype = w.oid
            -- varchar uses the class of text, cidr that of inet; enums, arrays and ranges are found by their family.
            or exists (
                select 1
                from pg_catalog.pg_cast k
                where k.castsource = w.oid and k.casttarget = p.opcintype and k.castmethod = 'b' and k.castcontext = 'i')
            or (p.opcintype = 'pg_catalog.anyenum'::pg_catalog.regtype and w.typtype = 'e')
            or (p.opcintype = 'pg_catalog.anyarray'::pg_catalog.regtype and w.oid = b.oid and e.oid is not null)
            or (p.opcintype = 'pg_catalog.anyrange'::pg_catalog.regtype and w.typtype = 'r'))
    join pg_catalog.pg_am m on m.oid = p.opcmethod
    left join pg_catalog.pg_amproc f on m.amname = 'btree' and f.amprocfamily = p.opcfamily and f.amproclefttype = p.opcintype
        and f.amprocrighttype = p.opcintype and f.amprocnum = 4
    where w.oid in (b.oid, e.oid, s.oid)
) o
order by x.type_oid, x.modifier
