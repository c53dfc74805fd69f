-- Purpose: deletes the rows of one monitored database from a schema of the layout for many, after they moved.
-- Minimum version: 13. Privileges: owner of the store.
with gone as (
    select d.index_strategy_id as id
    from {{from}}.index_strategy_detail d
    where d.monitored_database_id = @Id::uuid
),
actions as (
    delete from {{from}}.index_action a where a.monitored_database_id = @Id::uuid
),
usage as (
    delete from {{from}}.index_usage_stats u where u.index_strategy_id in (select g.id from gone g)
),
details as (
    delete from {{from}}.index_strategy_detail d where d.monitored_database_id = @Id::uuid
),
strategies as (
    delete from {{from}}.index_strategy s where s.id in (select g.id from gone g)
),
heads as (
    delete from {{from}}.query_statistics_head h where h.monitored_database_id = @Id::uuid
),
statistics as (
    delete from {{from}}.query_statistics s where s.monitored_database_id = @Id::uuid
),
entries as (
    delete from {{from}}.query_performance_log l
    using {{from}}.query_performance_interval i
    where i.id = l.id and i.monitored_database_id = @Id::uuid
),
intervals as (
    delete from {{from}}.query_performance_interval i where i.monitored_database_id = @Id::uuid
)
delete from {{from}}.monitored_database m
where m.id = @Id::uuid
