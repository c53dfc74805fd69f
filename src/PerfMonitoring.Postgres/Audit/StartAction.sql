-- Purpose: writes the start of an action on an index. A strategy that is not stored is left out.
-- Minimum version: 13. Privileges: insert on perf_monitoring.index_action and index_action_session, select on
-- perf_monitoring.index_strategy.
with action as (
    insert into {{store}}.index_action (
        id, index_strategy_id, action, table_name, index_name, statement, undo_statement, reason, evidence, created_by)
    select
        @Id::uuid, s.id, @Action::text, @TableName::text, @IndexName::text, @Statement::text, @UndoStatement::text, @Reason::text,
        @Evidence::jsonb, @UserId::uuid
    from (select @IndexStrategyId::uuid as id) given
    left join {{store}}.index_strategy s on s.id = given.id
    returning id
)
insert into {{store}}.index_action_session (index_action_id, index_oid)
select a.id, @IndexOid::bigint::oid
from action a
