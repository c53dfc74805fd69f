-- Purpose: writes the start of an action on an index. A strategy that is not stored is left out.
-- Minimum version: 13. Privileges: insert on perf_monitoring.index_action and index_action_session, select on
-- perf_monitoring.index_strategy.
with action as (
    insert into {{store}}.index_action (
        id, index_strategy_id, action, table_name, index_name, statement, undo_statement, reason, evidence,
        created_by)
    values (
        @Id::uuid,
        (select s.id from {{store}}.index_strategy s where s.id = @IndexStrategyId::uuid),
        @Action::text, @TableName::text, @IndexName::text, @Statement::text, @UndoStatement::text, @Reason::text,
        @Evidence::jsonb, @UserId::uuid)
    returning id
)
insert into {{store}}.index_action_session (index_action_id, index_oid)
select a.id, @IndexOid::bigint::oid
from action a
