-- Purpose: the entities of the data model, to the letter, and the users that they refer to.
-- Minimum version: 13. Privileges: create on the database.
create type {{store}}.index_type as enum ('BTREE', 'HASH', 'GIN', 'GIST', 'PARTIAL', 'COMPOSITE', 'FUNCTIONAL');
create type {{store}}.usage_pattern as enum ('LOOKUP', 'RANGE_SCAN', 'SORT', 'JOIN', 'FULL_TEXT', 'ANALYTICS');
create type {{store}}.maintenance_window as enum ('IMMEDIATE', 'OFF_PEAK', 'WEEKEND', 'SCHEDULED');
create type {{store}}.metric_type as enum
    ('QUERY_TIME', 'INDEX_SCAN_RATIO', 'TABLE_SIZE', 'CACHE_HIT_RATIO', 'CONNECTION_COUNT', 'DEADLOCK_COUNT');
create type {{store}}.threshold_unit as enum ('MILLISECONDS', 'PERCENTAGE', 'COUNT', 'BYTES', 'RATIO');

create table {{store}}."user" (
    id uuid not null default pg_catalog.gen_random_uuid(),
    name text not null,
    created_at timestamptz not null default pg_catalog.now(),
    constraint user_pkey primary key (id),
    constraint user_name_key unique (name)
);
comment on table {{store}}."user" is 'Who acts: added on first sight.';

create table {{store}}.index_strategy (
    id uuid not null,
    table_name varchar(100) not null,
    index_name varchar(100) not null,
    index_type {{store}}.index_type not null,
    index_definition text not null,
    columns jsonb not null,
    where_clause text,
    usage_pattern {{store}}.usage_pattern not null,
    maintenance_window {{store}}.maintenance_window not null,
    is_created boolean not null default false,
    is_monitoring boolean not null default true,
    created_by uuid not null,
    updated_by uuid,
    created_at timestamptz not null default pg_catalog.now(),
    updated_at timestamptz not null default pg_catalog.now(),
    is_active boolean not null default true,
    constraint index_strategy_pkey primary key (id),
    constraint table_index_name unique (table_name, index_name),
    constraint index_strategy_created_by_fkey foreign key (created_by) references {{store}}."user" (id),
    constraint index_strategy_updated_by_fkey foreign key (updated_by) references {{store}}."user" (id),
    constraint index_strategy_index_type_check
        check (index_type in ('BTREE', 'HASH', 'GIN', 'GIST', 'PARTIAL', 'COMPOSITE', 'FUNCTIONAL')),
    constraint index_strategy_index_definition_check check (length(index_definition) <= 2000),
    constraint index_strategy_usage_pattern_check
        check (usage_pattern in ('LOOKUP', 'RANGE_SCAN', 'SORT', 'JOIN', 'FULL_TEXT', 'ANALYTICS')),
    constraint index_strategy_maintenance_window_check
        check (maintenance_window in ('IMMEDIATE', 'OFF_PEAK', 'WEEKEND', 'SCHEDULED'))
);
create index idx_index_strategy_table on {{store}}.index_strategy (table_name, is_created, is_active);
comment on table {{store}}.index_strategy is 'What was decided about an index.';
comment on column {{store}}.index_strategy.where_clause is 'for partial indexes';

-- The ids are UUIDv7 made from executed_at: the partitions are ranges of time, and id alone stays the key.
create function {{store}}.uuid_v7_floor(at timestamptz) returns uuid
    language sql immutable strict parallel safe
    as $$
        select /* perf_monitoring */ (
            pg_catalog.lpad(pg_catalog.to_hex(pg_catalog.floor(extract(epoch from at) * 1000)::bigint), 12, '0')
            || '70008000000000000000')::uuid
    $$;
comment on function {{store}}.uuid_v7_floor is
    'The lowest UUIDv7 of a moment (RFC 9562, 5.7): where a range of time begins among the ids.';

create table {{store}}.query_performance_log (
    id uuid not null,
    query_hash text not null,
    query_pattern text not null,
    execution_time_ms numeric not null,
    rows_examined bigint not null,
    rows_returned bigint not null,
    indexes_used jsonb,
    execution_plan jsonb,
    used_index boolean not null default false,
    is_slow_query boolean not null default false,
    slow_query_threshold_ms numeric not null default 1000,
    database_user varchar(100) not null,
    application_context varchar(100),
    executed_at timestamptz not null default pg_catalog.now(),
    constraint query_performance_log_pkey primary key (id),
    constraint query_performance_log_query_hash_check check (length(query_hash) = 64),
    constraint query_performance_log_query_pattern_check check (length(query_pattern) <= 2000),
    constraint query_performance_log_execution_time_ms_check check (execution_time_ms >= 0),
    constraint query_performance_log_rows_examined_check check (rows_examined >= 0),
    constraint query_performance_log_rows_returned_check check (rows_returned >= 0)
) partition by range (id);
create index idx_query_perf_slow on {{store}}.query_performance_log (is_slow_query, execution_time_ms desc)
    where is_slow_query = true;
create index idx_query_perf_hash on {{store}}.query_performance_log (query_hash, executed_at desc);
create index idx_query_perf_time on {{store}}.query_performance_log (executed_at desc) where execution_time_ms > 100;
create table {{store}}.query_performance_log_default partition of {{store}}.query_performance_log default;
comment on table {{store}}.query_performance_log is 'Executions, and what a statement did in an interval.';

create table {{store}}.index_usage_stats (
    id uuid not null,
    index_strategy_id uuid not null,
    table_name varchar(100) not null,
    index_name varchar(100) not null,
    total_scans bigint not null default 0,
    total_tuples_read bigint not null default 0,
    total_tuples_fetched bigint not null default 0,
    avg_scan_time_ms numeric not null default 0,
    selectivity_ratio numeric not null default 0,
    index_size_bytes bigint not null default 0,
    maintenance_cost_score numeric not null default 0,
    is_recommended_for_drop boolean not null default false,
    stats_date date not null default current_date,
    last_analyzed timestamptz not null default pg_catalog.now(),
    constraint index_usage_stats_pkey primary key (id),
    constraint index_usage_stats_index_strategy_id_fkey foreign key (
        index_strategy_id) references {{store}}.index_strategy (id),
    constraint index_usage_stats_selectivity_ratio_check check (selectivity_ratio >= 0 and selectivity_ratio <= 1),
    constraint index_stats_date unique (index_strategy_id, stats_date)
);
create index idx_index_usage_perf on {{store}}.index_usage_stats (total_scans desc, avg_scan_time_ms asc);
create index idx_index_usage_size on {{store}}.index_usage_stats (index_size_bytes desc, maintenance_cost_score desc);
comment on table {{store}}.index_usage_stats is 'How an index was used, one row a day.';

create table {{store}}.performance_threshold (
    id uuid not null,
    metric_type {{store}}.metric_type not null,
    table_name varchar(100),
    warning_threshold numeric not null,
    critical_threshold numeric not null,
    threshold_unit {{store}}.threshold_unit not null,
    alert_enabled boolean not null default true,
    alert_configuration jsonb,
    created_by uuid not null,
    updated_by uuid,
    created_at timestamptz not null default pg_catalog.now(),
    updated_at timestamptz not null default pg_catalog.now(),
    is_active boolean not null default true,
    constraint performance_threshold_pkey primary key (id),
    constraint performance_threshold_created_by_fkey foreign key (created_by) references {{store}}."user" (id),
    constraint performance_threshold_updated_by_fkey foreign key (updated_by) references {{store}}."user" (id),
    constraint performance_threshold_metric_type_check check
        (metric_type in ('QUERY_TIME', 'INDEX_SCAN_RATIO', 'TABLE_SIZE', 'CACHE_HIT_RATIO', 'CONNECTION_COUNT',
            'DEADLOCK_COUNT')),
    constraint performance_threshold_warning_threshold_check check (warning_threshold > 0),
    constraint performance_threshold_critical_threshold_check check (critical_threshold >= warning_threshold),
    constraint performance_threshold_threshold_unit_check check
        (threshold_unit in ('MILLISECONDS', 'PERCENTAGE', 'COUNT', 'BYTES', 'RATIO'))
);
create index idx_perf_threshold_metric on {{store}}.performance_threshold (metric_type, table_name, is_active);
comment on table {{store}}.performance_threshold is
    'Limits that a user set. Where lower is worse, the shortfall from 1 is stored.';

-- One store serves several databases: what the entities above cannot say, tables beside them do.
create table {{store}}.monitored_database (
    id uuid not null default pg_catalog.gen_random_uuid(),
    server_identity text not null,
    database_name text not null,
    host_name text not null,
    port integer not null,
    created_at timestamptz not null default pg_catalog.now(),
    constraint monitored_database_pkey primary key (id),
    constraint monitored_database_key unique (server_identity, database_name)
);
comment on column {{store}}.monitored_database.server_identity is
    'The system identifier of the cluster, or host:port where the role may not read it.';
