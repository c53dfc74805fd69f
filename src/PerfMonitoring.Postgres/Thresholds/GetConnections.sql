-- Purpose: the client connections of the whole server, without those of this module; null without the right to see those of other
-- roles.
-- Minimum version: 13. Privileges: pg_read_all_stats.
select
    pg_catalog.clock_timestamp() as taken_at,
    case
        when pg_catalog.pg_has_role('pg_read_all_stats', 'usage')
            then (
                select pg_catalog.count(1)
                from pg_catalog.pg_stat_activity a
                where a.backend_type = 'client backend'
                    and a.pid <> pg_catalog.pg_backend_pid()
                    and a.application_name <> 'PerfMonitoring')
    end as clients,
    pg_catalog.current_setting('max_connections')::bigint as maximum
