-- Purpose: the activity of statements in the intervals of a time range: of the requested statements, and of those whose text has
-- a name. Figures of different roles and nesting levels are added up.
-- Minimum version: 13. Privileges: select on the store's tables.
select
    l.query_hash,
    pg_catalog.min(l.query_pattern) as query,
    pg_catalog.min(i.interval_start) filter (where i.id is not null) as start,
    l.executed_at as "end",
    pg_catalog.sum(coalesce(i.calls, 1))::bigint as calls,
    pg_catalog.sum(coalesce(i.total_time_ms, l.execution_time_ms::float8)) as total_time_ms,
    case
        when pg_catalog.bool_and(i.id is null or i.squared_time is not null)
        then pg_catalog.sum(case when i.id is null then (l.execution_time_ms * l.execution_time_ms)::float8
            else i.squared_time end)
    end as squared_time,
    i.id is null as is_execution
from {{store}}.query_performance_log l
left join {{store}}.query_performance_interval i on i.id = l.id
where l.executed_at >= @Since::timestamptz
    and l.executed_at < @Until::timestamptz
    and l.id >= (
        select case
            when exists (select from {{store}}.query_performance_log_default)
                then '00000000-0000-0000-0000-000000000000'::uuid
            else {{store}}.uuid_v7_floor(@Since::timestamptz)
        end)
    and (l.query_hash = any (@Hashes::text[])
        or pg_catalog.strpos(pg_catalog.lower(l.query_pattern), pg_catalog.lower(@Name::text)) > 0)
group by l.query_hash, l.executed_at, i.id is null, case when i.id is null then l.id end
order by l.executed_at, l.query_hash
