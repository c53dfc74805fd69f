-- Purpose: the stored usage of a monitored database, by day; a 0 that means unknown is returned as null.
-- Minimum version: 13. Privileges: select on perf_monitoring.index_usage_stats, index_usage_detail and index_strategy_detail.
select
    u.id,
    u.index_strategy_id,
    u.table_name,
    u.index_name,
    case when 'total_scans' <> all (x.unknown) then u.total_scans end as total_scans,
    case when 'total_tuples_read' <> all (x.unknown) then u.total_tuples_read end as total_tuples_read,
    case when 'total_tuples_fetched' <> all (x.unknown) then u.total_tuples_fetched end as total_tuples_fetched,
    case when 'avg_scan_time_ms' <> all (x.unknown) then u.avg_scan_time_ms::float8 end as avg_scan_time_ms,
    case when 'selectivity_ratio' <> all (x.unknown) then u.selectivity_ratio::float8 end as selectivity_ratio,
    case when 'index_size_bytes' <> all (x.unknown) then u.index_size_bytes end as index_size_bytes,
    case when 'maintenance_cost_score' <> all (x.unknown) then u.maintenance_cost_score::float8 end as maintenance_cost_score,
    u.is_recommended_for_drop,
    u.stats_date::text as stats_date,
    u.last_analyzed,
    d.index_oid,
    d.counters_since,
    d.last_scan,
    d.table_writes,
    d.is_valid,
    d.definition,
    coalesce(d.reasons, '[]')::text as reasons,
    coalesce(d.blockers, '[]')::text as blockers,
    coalesce(d.notes, '[]')::text as notes
from {{store}}.index_usage_stats u
left join {{store}}.index_usage_detail d on d.index_usage_id = u.id
cross join lateral (select coalesce(d.unknown_columns, '{}'::text[]) as unknown) x
where (@Since::date is null or u.stats_date >= @Since::date)
    and (@Until::date is null or u.stats_date <= @Until::date)
order by u.stats_date, u.table_name, u.index_name
