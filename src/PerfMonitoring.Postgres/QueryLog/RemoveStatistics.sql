-- Purpose: deletes the last counters of statements that changed or disappeared.
-- Minimum version: 13. Privileges: delete on perf_monitoring.query_statistics.
delete from {{store}}.query_statistics s
using unnest(@QueryIds::bigint[], @DatabaseOids::bigint[]::oid[], @UserOids::bigint[]::oid[],
    @TopLevels::boolean[]) as k (queryid, dbid, userid, toplevel)
where s.queryid = k.queryid
    and s.dbid = k.dbid
    and s.userid = k.userid
    and s.toplevel = k.toplevel
