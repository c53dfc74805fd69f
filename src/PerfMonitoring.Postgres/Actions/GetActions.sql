-- Purpose: what was done to the indexes of a monitored database, the latest first.
-- Minimum version: 13. Privileges: select on perf_monitoring.index_action and "user".
select
    a.id,
    a.index_strategy_id,
    a.action,
    a.table_name,
    a.index_name,
    a.statement,
    a.undo_statement,
    a.outcome,
    a.reason,
    a.evidence::text as evidence,
    a.error,
    a.started_at,
    a.finished_at,
    u.name as created_by
from perf_monitoring.index_action a
join perf_monitoring."user" u on u.id = a.created_by
where a.monitored_database_id = @MonitoredDatabaseId::uuid
    and (@StrategyIds::uuid[] is null or a.index_strategy_id = any (@StrategyIds::uuid[]))
    and (@TableName::text is null or a.table_name = @TableName::text)
    and (@IndexName::text is null or a.index_name = @IndexName::text)
    and (@Actions::text[] is null or a.action = any (@Actions::text[]))
    and (@Outcomes::text[] is null or a.outcome = any (@Outcomes::text[]))
    and (@Since::timestamptz is null or a.started_at >= @Since::timestamptz)
    and (@Until::timestamptz is null or a.started_at < @Until::timestamptz)
order by a.started_at desc, a.id desc
