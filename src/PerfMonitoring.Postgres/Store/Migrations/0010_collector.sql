-- Purpose: partitions of the query log for a role that only collects: the two functions run with the rights of the store's owner, and only who was
-- given EXECUTE may call them. They touch nothing that the owner does not own.
-- Minimum version: 13. Privileges: owner of the store.
create or replace function perf_monitoring.add_query_log_partition(at timestamptz) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$
        declare
            monday timestamptz := pg_catalog.date_trunc('week', at, 'UTC');
            low uuid := perf_monitoring.uuid_v7_floor(monday);
            high uuid := perf_monitoring.uuid_v7_floor(monday + interval '168 hours');
            suffix text := pg_catalog.to_char(monday at time zone 'UTC', '_YYYYMMDD');
            parent text;
            is_taken boolean;
        begin
            if pg_catalog.to_regclass('perf_monitoring.query_performance_interval' || suffix) is not null then
                return;
            end if;

            perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('perf_monitoring.add_query_log_partition', 0));
            foreach parent in array array['query_performance_log', 'query_performance_interval'] loop
                continue when pg_catalog.to_regclass('perf_monitoring.' || parent || suffix) is not null;
                if (
                    select pg_catalog.count(*)
                    from pg_catalog.pg_class c
                    join pg_catalog.pg_roles r on r.oid = c.relowner
                    where c.relnamespace = 'perf_monitoring'::pg_catalog.regnamespace and r.rolname = current_user
                        and ((c.relname = parent and c.relkind = 'p') or (c.relname = parent || '_default' and c.relkind = 'r'))
                ) <> 2 then
                    raise insufficient_privilege using message = pg_catalog.format('must be owner of table %s and of its default partition', parent);
                end if;

                -- Rows of that week that stand in the default partition already stay there, and so do those that follow.
                execute pg_catalog.format('select exists (select from perf_monitoring.%I where id >= $1 and id < $2)', parent || '_default')
                    into is_taken using low, high;
                if not is_taken then
                    execute pg_catalog.format(
                        'create table perf_monitoring.%I partition of perf_monitoring.%I for values from (%L) to (%L)',
                        parent || suffix, parent, low, high);
                end if;
            end loop;
        end
    $$;
revoke execute on function perf_monitoring.add_query_log_partition(timestamptz) from public;

create function perf_monitoring.drop_query_log_partition(at timestamptz) returns void
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
                    where h.inhparent = ('perf_monitoring.' || parent)::pg_catalog.regclass
                        and c.relnamespace = 'perf_monitoring'::pg_catalog.regnamespace and c.relname = parent || suffix
                        and c.relkind = 'r' and r.rolname = current_user
                ) then
                    execute pg_catalog.format('drop table perf_monitoring.%I', parent || suffix);
                end if;
            end loop;
        end
    $$;
comment on function perf_monitoring.drop_query_log_partition is 'Drops the partitions of the week (Monday to Sunday, UTC) of a moment.';
revoke execute on function perf_monitoring.drop_query_log_partition(timestamptz) from public;
