-- Purpose: what the log of queries needs besides the data model: the last counters that were read, the figures behind a row that
-- stands for an interval, and partitions by week. The two functions run with the rights of the store's owner, so that a role that
-- only collects can call them. They touch nothing that the owner does not own.
-- Minimum version: 13. Privileges: owner of the store.
create table {{store}}.query_statistics_head (
    monitored_database_id uuid not null,
    taken_at timestamptz,
    stats_reset timestamptz,
    deallocations bigint,
    constraint query_statistics_head_pkey primary key (monitored_database_id),
    constraint query_statistics_head_monitored_database_id_fkey
        foreign key (monitored_database_id) references {{store}}.monitored_database (id)
);
comment on table {{store}}.query_statistics_head is
    'When the counters in query_statistics were read. Whoever brings the log up to date holds a lock on the row.';

create table {{store}}.query_statistics (
    monitored_database_id uuid not null,
    queryid bigint not null,
    dbid oid not null,
    userid oid not null,
    toplevel boolean not null,
    calls bigint not null,
    total_time_ms double precision not null,
    squared_time double precision,
    rows bigint not null,
    shared_blocks_hit bigint not null,
    shared_blocks_read bigint not null,
    temp_blocks_written bigint not null,
    block_time_ms double precision,
    since timestamptz,
    constraint query_statistics_pkey primary key (monitored_database_id, queryid, dbid, userid, toplevel),
    constraint query_statistics_monitored_database_id_fkey
        foreign key (monitored_database_id) references {{store}}.monitored_database (id)
);
comment on table {{store}}.query_statistics is 'The counters of pg_stat_statements as they were last read.';

create table {{store}}.query_performance_interval (
    id uuid not null,
    monitored_database_id uuid not null,
    queryid bigint not null,
    dbid oid not null,
    userid oid not null,
    toplevel boolean not null,
    calls bigint not null,
    total_time_ms double precision not null,
    squared_time double precision,
    rows bigint not null,
    shared_blocks_hit bigint not null,
    shared_blocks_read bigint not null,
    temp_blocks_written bigint not null,
    block_time_ms double precision,
    interval_start timestamptz,
    interval_end timestamptz not null,
    rows_examined_is_estimate boolean,
    constraint query_performance_interval_pkey primary key (id),
    constraint query_performance_interval_calls_check check (calls > 0),
    constraint query_performance_interval_total_time_ms_check check (total_time_ms >= 0)
) partition by range (id);
create table {{store}}.query_performance_interval_default partition of {{store}}.query_performance_interval default;
comment on table {{store}}.query_performance_interval is
    'The figures behind a row of query_performance_log of the same id that stands for a statement in an interval.';
comment on column {{store}}.query_performance_interval.interval_start is
    'Null where the server does not say since when it counts.';
comment on column {{store}}.query_performance_interval.squared_time is
    'The sum of the squares of the run times, in square milliseconds: the deviation follows from it.';
comment on column {{store}}.query_performance_interval.rows_examined_is_estimate is
    'Null where the rows examined are unknown; the log then holds the rows returned, which were examined at least.';

create function {{store}}.add_query_log_partition(at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
        declare
            monday timestamptz := pg_catalog.date_trunc('week', at, 'UTC');
            low uuid := {{store}}.uuid_v7_floor(monday);
            high uuid := {{store}}.uuid_v7_floor(monday + interval '168 hours');
            suffix text := pg_catalog.to_char(monday at time zone 'UTC', '_YYYYMMDD');
            parent text;
            is_taken boolean;
        begin
            if pg_catalog.to_regclass('{{store}}.query_performance_interval' || suffix) is not null then
                return;
            end if;

            perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('{{store}}.add_query_log_partition', 0));
            foreach parent in array array['query_performance_log', 'query_performance_interval'] loop
                continue when pg_catalog.to_regclass('{{store}}.' || parent || suffix) is not null;
                if (
                    select pg_catalog.count(*)
                    from pg_catalog.pg_class c
                    join pg_catalog.pg_roles r on r.oid = c.relowner
                    where c.relnamespace = '{{store}}'::pg_catalog.regnamespace and r.rolname = current_user
                        and ((c.relname = parent and c.relkind = 'p') or (c.relname = parent || '_default' and c.relkind = 'r'))
                ) <> 2 then
                    raise insufficient_privilege using message = pg_catalog.format(
                        'must be owner of table %s and of its default partition', parent);
                end if;

                -- Rows of that week that stand in the default partition already stay there, and so do those that follow.
                execute pg_catalog.format('select exists (select from {{store}}.%I where id >= $1 and id < $2)', parent
                    || '_default')
                    into is_taken using low, high;
                if not is_taken then
                    execute pg_catalog.format(
                        'create table {{store}}.%I partition of {{store}}.%I for values from (%L) to (%L)',
                        parent || suffix, parent, low, high);
                end if;
            end loop;
        end
    $$;
revoke execute on function {{store}}.add_query_log_partition(timestamptz) from public;
comment on function {{store}}.add_query_log_partition is
    'Makes the partitions of the week (Monday to Sunday, UTC) of a moment, once.';

create function {{store}}.drop_query_log_partition(at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
        declare
            suffix text := pg_catalog.to_char(pg_catalog.date_trunc('week', at, 'UTC') at time zone 'UTC', '_YYYYMMDD');
            parent text;
        begin
            foreach parent in array array['query_performance_log', 'query_performance_interval'] loop
                if exists (
                    select
                    from pg_catalog.pg_inherits h
                    join pg_catalog.pg_class c on c.oid = h.inhrelid
                    join pg_catalog.pg_roles r on r.oid = c.relowner
                    where h.inhparent = ('{{store}}.' || parent)::pg_catalog.regclass
                        and c.relnamespace = '{{store}}'::pg_catalog.regnamespace and c.relname = parent || suffix
                        and c.relkind = 'r' and r.rolname = current_user
                ) then
                    execute pg_catalog.format('drop table {{store}}.%I', parent || suffix);
                end if;
            end loop;
        end
    $$;
comment on function {{store}}.drop_query_log_partition is
    'Drops the partitions of the week (Monday to Sunday, UTC) of a moment.';
revoke execute on function {{store}}.drop_query_log_partition(timestamptz) from public;
