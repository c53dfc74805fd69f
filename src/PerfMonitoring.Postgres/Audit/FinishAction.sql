-- Purpose: writes how an action ended, and marks its strategy in the same statement, so that no process can die between the two.
-- The outcome from the action's own run always counts, because that run knows best. An outcome that a later run found is written
-- only if there is none. Locks are taken in the order of all writes of the store: the action, the strategy, the strategy's
-- detail.
-- Minimum version: 13. Privileges: update and select on perf_monitoring.index_action, index_action_session, index_strategy and
-- index_strategy_detail.
with action as (
    update {{store}}.index_action f
    set outcome = @Outcome::text, error = @Error::text, finished_at = pg_catalog.statement_timestamp()
    where f.id = @Id::uuid and (f.outcome = 'STARTED' or not @IsReconciled::bool)
    returning
        f.id, f.action, f.index_strategy_id, f.table_name, f.index_name,
        -- A rebuild has no undo: the index is the same after it.
        case when f.outcome = 'SUCCEEDED'
            and not (f.action = 'REPAIR' and f.undo_statement is null) then f.action in ('CREATE', 'RESTORE') end as is_there
),
session as (
    update {{store}}.index_action_session e
    set reconciled_at = case when @IsReconciled::bool then pg_catalog.statement_timestamp() end
    from action a
    where e.index_action_id = a.id
),
strategy as (
    update {{store}}.index_strategy s set
        is_created = a.is_there,
        is_active = case when a.action = 'CREATE' then s.is_active else a.is_there end,
        updated_by = @UserId::uuid,
        updated_at = pg_catalog.now()
    from action a
    where a.is_there is not null
        and case when a.action = 'CREATE' then s.id = a.index_strategy_id
            else s.table_name = a.table_name and s.index_name = a.index_name and s.is_created <> a.is_there end
    returning s.id
)
update {{store}}.index_strategy_detail d
set size_bytes = coalesce(@SizeBytes::bigint, d.size_bytes)
from strategy s
where d.index_strategy_id = s.id
