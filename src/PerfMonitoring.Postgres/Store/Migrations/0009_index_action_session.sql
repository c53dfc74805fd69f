-- Purpose: what tells how a change of an index ended whose process died before it could write that.
-- Minimum version: 13. Privileges: create on schema perf_monitoring, references on perf_monitoring.index_action.
create table perf_monitoring.index_action_session (
    index_action_id uuid not null,
    index_oid oid,
    process_id integer,
    backend_start timestamptz,
    reconciled_at timestamptz,
    constraint index_action_session_pkey primary key (index_action_id),
    constraint index_action_session_index_action_id_fkey
        foreign key (index_action_id) references perf_monitoring.index_action (id) on delete cascade,
    constraint index_action_session_backend_start_check check ((process_id is null) = (backend_start is null))
);
comment on table perf_monitoring.index_action_session is 'The session of the monitored database that works, or last worked, on an action.';
comment on column perf_monitoring.index_action_session.index_oid is 'The index that was to be dropped or rebuilt; null for one that was to be created.';
comment on column perf_monitoring.index_action_session.backend_start is 'With the process the identity of the session: the number alone may be another''s by now.';
comment on column perf_monitoring.index_action_session.reconciled_at is
    'When a later run found out from the catalog how the action ended; null where its own run wrote that.';

create index index_action_started_idx on perf_monitoring.index_action (monitored_database_id) where outcome = 'STARTED';
