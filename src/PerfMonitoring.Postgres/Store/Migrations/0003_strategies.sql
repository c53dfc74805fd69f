-- Purpose: what an index strategy is beyond the entity: its database, its definition taken apart, and the evidence for it.
-- Minimum version: 13. Privileges: create on schema perf_monitoring.
create table {{store}}.index_strategy_detail (
    index_strategy_id uuid not null,
    monitored_database_id uuid not null,
    definition jsonb not null,
    cost_before double precision,
    cost_after double precision,
    marginal_gain double precision,
    write_cost double precision,
    size_bytes bigint,
    rank integer not null default 0,
    evidence text not null,
    reason text not null default '',
    replaces text[] not null default '{}',
    build_seconds double precision,
    constraint index_strategy_detail_pkey primary key (index_strategy_id),
    constraint index_strategy_detail_index_strategy_id_fkey
        foreign key (index_strategy_id) references {{store}}.index_strategy (id) on delete cascade,
    constraint index_strategy_detail_monitored_database_id_fkey
        foreign key (monitored_database_id) references {{store}}.monitored_database (id),
    constraint index_strategy_detail_evidence_check check (evidence in ('NONE', 'WHAT_IF', 'ESTIMATE', 'ADOPTED'))
);
create index index_strategy_detail_monitored_database_id_idx on {{store}}.index_strategy_detail (monitored_database_id);
comment on table {{store}}.index_strategy_detail is 'The database that a strategy is for, and why it was decided.';
comment on column {{store}}.index_strategy_detail.cost_before is
    'The planner''s cost of the statements concerned, weighted.';

comment on column {{store}}.index_strategy_detail.marginal_gain is
    'What the planner''s cost of the workload would rise by without this index alone.';
comment on column {{store}}.index_strategy_detail.replaces is 'Names of the indexes whose work it does too.';
comment on column {{store}}.index_strategy_detail.build_seconds is
    'How long the server built the index, without its waits.';

create table {{store}}.index_strategy_evidence (
    index_strategy_id uuid not null,
    query_hash text not null,
    query_pattern text not null,
    weight double precision not null,
    cost_before double precision not null,
    cost_after double precision not null,
    mean_time_ms double precision,
    constraint index_strategy_evidence_pkey primary key (index_strategy_id, query_hash),
    constraint index_strategy_evidence_index_strategy_id_fkey
        foreign key (index_strategy_id) references {{store}}.index_strategy (id) on delete cascade,
    constraint index_strategy_evidence_query_hash_check check (length(query_hash) = 64),
    constraint index_strategy_evidence_query_pattern_check check (length(query_pattern) <= 2000)
);
create index index_strategy_evidence_query_hash_idx on {{store}}.index_strategy_evidence (query_hash);
comment on table {{store}}.index_strategy_evidence is
    'The performance impact of an index on one statement of query_performance_log, by its hash.';
comment on column {{store}}.index_strategy_evidence.mean_time_ms is
    'The measured mean time of the statement when the index was advised.';
