-- Purpose: the actions of a monitored database without a recorded end, with the data that shows what became of them.
-- Minimum version: 13. Privileges: select on perf_monitoring.index_action and index_action_session.
select a.id, a.action, a.table_name, a.index_name, a.statement, a.undo_statement, s.index_oid, s.process_id, s.backend_start
from {{store}}.index_action a
left join {{store}}.index_action_session s on s.index_action_id = a.id
where a.outcome = 'STARTED'
order by a.started_at, a.id
