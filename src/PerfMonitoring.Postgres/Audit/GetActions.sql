-- Purpose: the actions on the indexes of a monitored database, the latest first. For actions that were already judged, the
-- outcome in the store is ignored.
-- Minimum version: 13. Privileges: select on perf_monitoring.index_action, index_action_session and "user".
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
    u.name as created_by,
    s.reconciled_at is not null as is_reconciled
from {{store}}.index_action a
join {{store}}."user" u on u.id = a.created_by
left join {{store}}.index_action_session s on s.index_action_id = a.id
where (@StrategyIds::uuid[] is null or a.index_strategy_id = any (@StrategyIds::uuid[]))
    and (@TableName::text is null or a.table_name = @TableName::text)
    and (@IndexName::text is null or a.index_name = @IndexName::text)
    and (@Actions::text[] is null or a.action = any (@Actions::text[]))
    and (
        @Outcomes::text[] is null
        or case when a.id = any (@JudgedIds::uuid[]) then a.id = any (@WantedIds::uuid[])
            else a.outcome = any (@Outcomes::text[]) end)
    and (@Since::timestamptz is null or a.started_at >= @Since::timestamptz)
    and (@Until::timestamptz is null or a.started_at < @Until::timestamptz)
order by a.started_at desc, a.id desc
