-- Purpose: writes which session of the monitored database works on an action from now on.
-- Minimum version: 13. Privileges: update and select on perf_monitoring.index_action_session.
update {{store}}.index_action_session s
set process_id = @ProcessId::int, backend_start = @BackendStart::timestamptz
where s.index_action_id = @Id::uuid
