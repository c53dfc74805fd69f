-- Purpose: copies the rows of one monitored database from a schema of the layout for many into a schema of its own. Users and
-- thresholds belong to every database.
-- Minimum version: 13. Privileges: owner of the store.
with users as (
    insert into {{store}}."user" (id, name, created_at)
    select u.id, u.name, u.created_at
    from {{from}}."user" u
),
thresholds as (
    insert into {{store}}.performance_threshold (
        id, metric_type, table_name, warning_threshold, critical_threshold, threshold_unit, alert_enabled, alert_configuration,
        created_by, updated_by, created_at, updated_at, is_active)
    select
        t.id, t.metric_type::text::{{store}}.metric_type, t.table_name, t.warning_threshold, t.critical_threshold,
        t.threshold_unit::text::{{store}}.threshold_unit, t.alert_enabled, t.alert_configuration, t.created_by, t.updated_by,
        t.created_at, t.updated_at, t.is_active
    from {{from}}.performance_threshold t
),
databases as (
    insert into {{store}}.monitored_database (id, server_identity, database_name, host_name, port, created_at)
    select m.id, m.server_identity, m.database_name, m.host_name, m.port, m.created_at
    from {{from}}.monitored_database m
    where m.id = @Id::uuid
),
strategies as (
    insert into {{store}}.index_strategy (
        id, table_name, index_name, index_type, index_definition, columns, where_clause, usage_pattern, maintenance_window,
        is_created, is_monitoring, created_by, updated_by, created_at, updated_at, is_active)
    select
        s.id, s.table_name, s.index_name, s.index_type::text::{{store}}.index_type, s.index_definition, s.columns, s.where_clause,
        s.usage_pattern::text::{{store}}.usage_pattern, s.maintenance_window::text::{{store}}.maintenance_window, s.is_created,
        s.is_monitoring, s.created_by, s.updated_by, s.created_at, s.updated_at, s.is_active
    from {{from}}.index_strategy s
    join {{from}}.index_strategy_detail d on d.index_strategy_id = s.id
    where d.monitored_database_id = @Id::uuid
),
details as (
    insert into {{store}}.index_strategy_detail (
        index_strategy_id, monitored_database_id, definition, cost_before, cost_after, marginal_gain, write_cost, size_bytes,
        rank, evidence, reason, replaces, build_seconds)
    select
        d.index_strategy_id, d.monitored_database_id, d.definition, d.cost_before, d.cost_after, d.marginal_gain, d.write_cost,
        d.size_bytes, d.rank, d.evidence, d.reason, d.replaces, d.build_seconds
    from {{from}}.index_strategy_detail d
    where d.monitored_database_id = @Id::uuid
),
evidence as (
    insert into {{store}}.index_strategy_evidence (
        index_strategy_id, query_hash, query_pattern, weight, cost_before, cost_after, mean_time_ms)
    select e.index_strategy_id, e.query_hash, e.query_pattern, e.weight, e.cost_before, e.cost_after, e.mean_time_ms
    from {{from}}.index_strategy_evidence e
    join {{from}}.index_strategy_detail d on d.index_strategy_id = e.index_strategy_id
    where d.monitored_database_id = @Id::uuid
),
usage as (
    insert into {{store}}.index_usage_stats (
        id, index_strategy_id, table_name, index_name, total_scans, total_tuples_read, total_tuples_fetched, avg_scan_time_ms,
        selectivity_ratio, index_size_bytes, maintenance_cost_score, is_recommended_for_drop, stats_date, last_analyzed)
    select
        u.id, u.index_strategy_id, u.table_name, u.index_name, u.total_scans, u.total_tuples_read, u.total_tuples_fetched,
        u.avg_scan_time_ms, u.selectivity_ratio, u.index_size_bytes, u.maintenance_cost_score, u.is_recommended_for_drop,
        u.stats_date, u.last_analyzed
    from {{from}}.index_usage_stats u
    join {{from}}.index_strategy_detail d on d.index_strategy_id = u.index_strategy_id
    where d.monitored_database_id = @Id::uuid
),
usage_details as (
    insert into {{store}}.index_usage_detail (
        index_usage_id, index_oid, counters_since, last_scan, table_writes, is_valid, definition, reasons, blockers, notes,
        unknown_columns, counts)
    select
        x.index_usage_id, x.index_oid, x.counters_since, x.last_scan, x.table_writes, x.is_valid, x.definition, x.reasons,
        x.blockers, x.notes, x.unknown_columns, x.counts
    from {{from}}.index_usage_detail x
    join {{from}}.index_usage_stats u on u.id = x.index_usage_id
    join {{from}}.index_strategy_detail d on d.index_strategy_id = u.index_strategy_id
    where d.monitored_database_id = @Id::uuid
),
heads as (
    insert into {{store}}.query_statistics_head (monitored_database_id, taken_at, stats_reset, deallocations)
    select h.monitored_database_id, h.taken_at, h.stats_reset, h.deallocations
    from {{from}}.query_statistics_head h
    where h.monitored_database_id = @Id::uuid
),
statistics as (
    insert into {{store}}.query_statistics (
        monitored_database_id, queryid, dbid, userid, toplevel, calls, total_time_ms, squared_time, rows, shared_blocks_hit,
        shared_blocks_read, temp_blocks_written, block_time_ms, since)
    select
        s.monitored_database_id, s.queryid, s.dbid, s.userid, s.toplevel, s.calls, s.total_time_ms, s.squared_time, s.rows,
        s.shared_blocks_hit, s.shared_blocks_read, s.temp_blocks_written, s.block_time_ms, s.since
    from {{from}}.query_statistics s
    where s.monitored_database_id = @Id::uuid
),
intervals as (
    insert into {{store}}.query_performance_interval (
        id, monitored_database_id, queryid, dbid, userid, toplevel, calls, total_time_ms, squared_time, rows, shared_blocks_hit,
        shared_blocks_read, temp_blocks_written, block_time_ms, interval_start, interval_end, rows_examined_is_estimate)
    select
        i.id, i.monitored_database_id, i.queryid, i.dbid, i.userid, i.toplevel, i.calls, i.total_time_ms, i.squared_time, i.rows,
        i.shared_blocks_hit, i.shared_blocks_read, i.temp_blocks_written, i.block_time_ms, i.interval_start, i.interval_end,
        i.rows_examined_is_estimate
    from {{from}}.query_performance_interval i
    where i.monitored_database_id = @Id::uuid
),
entries as (
    insert into {{store}}.query_performance_log (
        id, query_hash, query_pattern, execution_time_ms, rows_examined, rows_returned, indexes_used, execution_plan, used_index,
        is_slow_query, slow_query_threshold_ms, database_user, application_context, executed_at)
    select
        l.id, l.query_hash, l.query_pattern, l.execution_time_ms, l.rows_examined, l.rows_returned, l.indexes_used,
        l.execution_plan, l.used_index, l.is_slow_query, l.slow_query_threshold_ms, l.database_user, l.application_context,
        l.executed_at
    from {{from}}.query_performance_log l
    join {{from}}.query_performance_interval i on i.id = l.id
    where i.monitored_database_id = @Id::uuid
),
samples as (
    insert into {{store}}.metric_sample (monitored_database_id, taken_at, sample)
    select m.monitored_database_id, m.taken_at, m.sample
    from {{from}}.metric_sample m
    where m.monitored_database_id = @Id::uuid
),
actions as (
    insert into {{store}}.index_action (
        id, monitored_database_id, index_strategy_id, action, table_name, index_name, statement, undo_statement, outcome, reason,
        evidence, error, started_at, finished_at, created_by)
    select
        a.id, a.monitored_database_id, a.index_strategy_id, a.action, a.table_name, a.index_name, a.statement, a.undo_statement,
        a.outcome, a.reason, a.evidence, a.error, a.started_at, a.finished_at, a.created_by
    from {{from}}.index_action a
    where a.monitored_database_id = @Id::uuid
),
sessions as (
    insert into {{store}}.index_action_session (index_action_id, index_oid, process_id, backend_start, reconciled_at)
    select s.index_action_id, s.index_oid, s.process_id, s.backend_start, s.reconciled_at
    from {{from}}.index_action_session s
    join {{from}}.index_action a on a.id = s.index_action_id
    where a.monitored_database_id = @Id::uuid
)
insert into {{store}}.maintenance_schedule (
    monitored_database_id, maintenance_window, cron_expression, duration, time_zone, updated_by, updated_at)
select
    m.monitored_database_id, m.maintenance_window::text::{{store}}.maintenance_window, m.cron_expression, m.duration, m.time_zone,
    m.updated_by, m.updated_at
from {{from}}.maintenance_schedule m
where m.monitored_database_id = @Id::uuid
