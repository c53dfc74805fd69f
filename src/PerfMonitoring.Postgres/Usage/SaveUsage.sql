-- Purpose: stores today's usage (in UTC, by the store's clock), once for each strategy; a later reading of the same day replaces
-- it.
-- Minimum version: 13. Privileges: insert, update and select on perf_monitoring.index_usage_stats and index_usage_detail.
with given as (
    select
        x.index_strategy_id, x.table_name, x.index_name, x.total_scans, x.total_tuples_read, x.total_tuples_fetched,
        x.avg_scan_time_ms,
        x.selectivity_ratio, x.index_size_bytes, x.maintenance_cost_score, x.is_recommended_for_drop, x.last_analyzed,
        x.index_oid,
        x.counters_since, x.last_scan, x.table_writes, x.is_valid, x.definition, x.reasons, x.blockers, x.notes,
        x.unknown_columns, x.counts
    from pg_catalog.jsonb_to_recordset(@Stats::jsonb) as x (
        index_strategy_id uuid, table_name text, index_name text, total_scans bigint, total_tuples_read bigint,
        total_tuples_fetched bigint,
        avg_scan_time_ms float8, selectivity_ratio float8, index_size_bytes bigint, maintenance_cost_score float8,
        is_recommended_for_drop bool, last_analyzed timestamptz, index_oid bigint, counters_since timestamptz,
        last_scan timestamptz,
        table_writes bigint, is_valid bool, definition text, reasons jsonb, blockers jsonb, notes jsonb, unknown_columns text[],
        counts jsonb)
),
saved as (
    insert into {{store}}.index_usage_stats as s (
        id, index_strategy_id, table_name, index_name, total_scans, total_tuples_read, total_tuples_fetched, avg_scan_time_ms,
        selectivity_ratio, index_size_bytes, maintenance_cost_score, is_recommended_for_drop, stats_date, last_analyzed)
    select
        pg_catalog.gen_random_uuid(), g.index_strategy_id, g.table_name, g.index_name, coalesce(g.total_scans, 0),
        coalesce(g.total_tuples_read, 0), coalesce(g.total_tuples_fetched, 0), coalesce(g.avg_scan_time_ms, 0),
        coalesce(g.selectivity_ratio, 0), coalesce(g.index_size_bytes, 0), coalesce(g.maintenance_cost_score, 0),
        g.is_recommended_for_drop, (pg_catalog.now() at time zone 'utc')::date, g.last_analyzed
    from given g
    -- A fixed order prevents a deadlock between two sessions that store at the same time.
    order by g.index_strategy_id
    on conflict (index_strategy_id, stats_date) do update set
        table_name = excluded.table_name,
        index_name = excluded.index_name,
        total_scans = excluded.total_scans,
        total_tuples_read = excluded.total_tuples_read,
        total_tuples_fetched = excluded.total_tuples_fetched,
        avg_scan_time_ms = excluded.avg_scan_time_ms,
        selectivity_ratio = excluded.selectivity_ratio,
        index_size_bytes = excluded.index_size_bytes,
        maintenance_cost_score = excluded.maintenance_cost_score,
        is_recommended_for_drop = excluded.is_recommended_for_drop,
        last_analyzed = excluded.last_analyzed
    returning s.id, s.index_strategy_id, s.stats_date
),
detailed as (
    insert into {{store}}.index_usage_detail (
        index_usage_id, index_oid, counters_since, last_scan, table_writes, is_valid, definition, reasons, blockers, notes,
        unknown_columns,
        counts)
    select
        s.id, g.index_oid::oid, g.counters_since, g.last_scan, g.table_writes, g.is_valid, g.definition, g.reasons, g.blockers,
        g.notes,
        g.unknown_columns, g.counts
    from saved s
    join given g on g.index_strategy_id = s.index_strategy_id
    order by s.index_strategy_id
    on conflict (index_usage_id) do update set
        index_oid = excluded.index_oid,
        counters_since = excluded.counters_since,
        last_scan = excluded.last_scan,
        table_writes = excluded.table_writes,
        is_valid = excluded.is_valid,
        definition = excluded.definition,
        reasons = excluded.reasons,
        blockers = excluded.blockers,
        notes = excluded.notes,
        unknown_columns = excluded.unknown_columns,
        counts = excluded.counts
)
select s.id, s.index_strategy_id, s.stats_date::text as stats_date
from saved s
order by s.index_strategy_id
