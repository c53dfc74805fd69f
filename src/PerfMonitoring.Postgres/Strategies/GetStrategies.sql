-- Purpose: the strategies of a monitored database, each with its evidence.
-- Minimum version: 13. Privileges: select on perf_monitoring.index_strategy, its side tables and "user".
select
    s.id,
    s.usage_pattern::text as usage_pattern,
    s.maintenance_window::text as maintenance_window,
    s.is_created,
    s.is_monitoring,
    s.is_active,
    c.name as created_by,
    u.name as updated_by,
    s.created_at,
    s.updated_at,
    d.definition::text as definition,
    d.cost_before,
    d.cost_after,
    d.size_bytes,
    d.rank,
    d.evidence,
    d.reason,
    coalesce((
        select pg_catalog.json_agg(
            pg_catalog.json_build_object(
                'queryHash', e.query_hash,
                'query', e.query_pattern,
                'weight', e.weight,
                'costBefore', e.cost_before,
                'costAfter', e.cost_after,
                'meanTimeMs', e.mean_time_ms)
            order by (e.cost_before - e.cost_after) * e.weight desc, e.query_hash)::text
        from {{store}}.index_strategy_evidence e
        where e.index_strategy_id = s.id), '[]') as impacts,
    d.write_cost,
    d.marginal_gain,
    d.replaces
from {{store}}.index_strategy s
join {{store}}.index_strategy_detail d on d.index_strategy_id = s.id
join {{store}}."user" c on c.id = s.created_by
left join {{store}}."user" u on u.id = s.updated_by
where (@Ids::uuid[] is null or s.id = any (@Ids::uuid[]))
    and (@SchemaName::text is null or d.definition -> 'table' ->> 'schema' = @SchemaName::text)
    and (@TableName::text is null or d.definition -> 'table' ->> 'name' = @TableName::text)
    and (@IndexName::text is null or s.index_name = @IndexName::text)
    and (@IsCreated::bool is null or s.is_created = @IsCreated::bool)
    and (@IncludeInactive::bool or s.is_active)
order by s.table_name, d.rank, s.index_name
