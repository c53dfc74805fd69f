-- Purpose: the audit of everything that was done to indexes: written before the statement runs and finished after it; and what
-- tells how an action ended whose process died before it could write that.
-- Minimum version: 13. Privileges: create on schema perf_monitoring.
create table {{store}}.index_action (
    id uuid not null,
    monitored_database_id uuid not null,
    index_strategy_id uuid,
    action text not null,
    table_name text not null,
    index_name text not null,
    statement text not null,
    undo_statement text,
    outcome text not null default 'STARTED',
    reason text,
    evidence jsonb,
    error text,
    started_at timestamptz not null default pg_catalog.clock_timestamp(),
    finished_at timestamptz,
    created_by uuid not null,
    constraint index_action_pkey primary key (id),
    constraint index_action_monitored_database_id_fkey
        foreign key (monitored_database_id) references {{store}}.monitored_database (id),
    constraint index_action_index_strategy_id_fkey
        foreign key (index_strategy_id) references {{store}}.index_strategy (id) on delete set null,
    constraint index_action_created_by_fkey foreign key (created_by) references {{store}}."user" (id),
    constraint index_action_action_check check (action in ('CREATE', 'REVERT', 'DROP', 'RESTORE', 'REPAIR')),
    constraint index_action_outcome_check check (outcome in ('STARTED', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    constraint index_action_finished_at_check check ((finished_at is null) = (outcome = 'STARTED'))
);
create index index_action_index_idx on {{store}}.index_action (monitored_database_id, index_name, started_at desc);
create index index_action_index_strategy_id_idx on {{store}}.index_action (index_strategy_id);
create index index_action_created_by_idx on {{store}}.index_action (created_by);
create index index_action_started_idx on {{store}}.index_action (monitored_database_id) where outcome = 'STARTED';
comment on table {{store}}.index_action is 'Who did what to which index, when and why, and the statement that undoes it.';
comment on column {{store}}.index_action.outcome is
    'STARTED: still running, or interrupted before its end could be written.';

create table {{store}}.index_action_session (
    index_action_id uuid not null,
    index_oid oid,
    process_id integer,
    backend_start timestamptz,
    reconciled_at timestamptz,
    constraint index_action_session_pkey primary key (index_action_id),
    constraint index_action_session_index_action_id_fkey
        foreign key (index_action_id) references {{store}}.index_action (id) on delete cascade,
    constraint index_action_session_backend_start_check check ((process_id is null) = (backend_start is null))
);
comment on table {{store}}.index_action_session is
    'The session of the monitored database that works, or last worked, on an action.';
comment on column {{store}}.index_action_session.index_oid is
    'The index that was to be dropped or rebuilt; null for one that was to be created.';
comment on column {{store}}.index_action_session.backend_start is
    'With the process the identity of the session: the number alone may be another''s by now.';
comment on column {{store}}.index_action_session.reconciled_at is
    'When a later run found out from the catalog how the action ended; null where its own run wrote that.';
