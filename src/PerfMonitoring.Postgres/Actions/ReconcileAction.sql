-- Purpose: writes how an action ended whose own run could not, and marks its strategy, unless somebody wrote its end meanwhile. Locks come in the
-- order of all writes of the store: the action, the strategy, the strategy's detail.
-- Minimum version: 13. Privileges: update and select on perf_monitoring.index_action, index_action_session, index_strategy and index_strategy_detail.
with action as (
    select a.id, a.action, a.index_strategy_id, a.monitored_database_id, a.table_name, a.index_name
    from perf_monitoring.index_action a
    where a.id = @Id::uuid and a.outcome = 'STARTED'
),
strategy as (
    update perf_monitoring.index_strategy s set
        is_created = @IsThere::bool,
        is_active = case when a.action = 'CREATE' then s.is_active else @IsThere::bool end,
        updated_by = @UserId::uuid,
        updated_at = pg_catalog.now()
    from action a, perf_monitoring.index_strategy_detail d
    where @IsThere::bool is not null
        and d.index_strategy_id = s.id
        and d.monitored_database_id = a.monitored_database_id
        and case when a.action = 'CREATE' then s.id = a.index_strategy_id
            else s.table_name = a.table_name and s.index_name = a.index_name and s.is_created <> @IsThere::bool end
    returning s.id
),
detail as (
    update perf_monitoring.index_strategy_detail d
    set size_bytes = coalesce(@SizeBytes::bigint, d.size_bytes)
    from strategy s
    where d.index_strategy_id = s.id
),
session as (
    update perf_monitoring.index_action_session e
    set reconciled_at = pg_catalog.clock_timestamp()
    from action a
    where e.index_action_id = a.id
)
update perf_monitoring.index_action f
set outcome = @Outcome::text, error = @Error::text, finished_at = pg_catalog.clock_timestamp()
from action a
where f.id = a.id and f.outcome = 'STARTED'
