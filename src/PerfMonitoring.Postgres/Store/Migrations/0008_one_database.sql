-- Purpose: a schema holds one monitored database, so no row names a database any more. What had one row for each database now has
-- one row. The functions name their own schema.
-- Minimum version: 13. Privileges: owner of the store.
alter table {{store}}.index_strategy_detail drop column monitored_database_id;
comment on table {{store}}.index_strategy_detail is 'Why a strategy was decided, and its definition taken apart.';

alter table {{store}}.query_statistics_head drop column monitored_database_id;
alter table {{store}}.query_statistics_head add column is_only boolean not null default true;
alter table {{store}}.query_statistics_head add constraint query_statistics_head_pkey primary key (is_only);
alter table {{store}}.query_statistics_head add constraint query_statistics_head_is_only_check check (is_only);
comment on column {{store}}.query_statistics_head.is_only is 'The table has one row.';

alter table {{store}}.query_statistics drop column monitored_database_id;
alter table {{store}}.query_statistics add constraint query_statistics_pkey primary key (queryid, dbid, userid, toplevel);

alter table {{store}}.query_performance_interval drop column monitored_database_id;

alter table {{store}}.metric_sample drop column monitored_database_id;
alter table {{store}}.metric_sample add column is_only boolean not null default true;
alter table {{store}}.metric_sample add constraint metric_sample_pkey primary key (is_only);
alter table {{store}}.metric_sample add constraint metric_sample_is_only_check check (is_only);
comment on column {{store}}.metric_sample.is_only is 'The table has one row.';
comment on table {{store}}.metric_sample is 'The counters of the monitored database when thresholds were last tested.';

alter table {{store}}.index_action drop column monitored_database_id;
create index index_action_index_idx on {{store}}.index_action (index_name, started_at desc);
create index index_action_started_idx on {{store}}.index_action (started_at) where outcome = 'STARTED';

alter table {{store}}.maintenance_schedule drop column monitored_database_id;
alter table {{store}}.maintenance_schedule add constraint maintenance_schedule_pkey primary key (maintenance_window);
comment on table {{store}}.maintenance_schedule is 'When a maintenance window is open, where that is not the default.';

drop table {{store}}.monitored_database;

-- Earlier versions left the journal to a library.
alter table {{store}}.schema_version drop column if exists schemaversionsid;
alter table {{store}}.schema_version alter column scriptname type text, alter column scriptname set not null;
alter table {{store}}.schema_version alter column applied type timestamptz, alter column applied set default pg_catalog.now();
alter table {{store}}.schema_version alter column applied set not null;
alter table {{store}}.schema_version add constraint schema_version_pkey primary key (scriptname);
comment on table {{store}}.schema_version is 'The migrations of this schema.';

create or replace function {{store}}.add_query_log_partition(at timestamptz) returns void
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

create or replace function {{store}}.drop_query_log_partition(at timestamptz) returns void
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
