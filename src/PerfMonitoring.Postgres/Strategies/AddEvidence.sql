-- Purpose: stores the gain that the planner promises for each statement, as the evidence of a strategy.
-- Minimum version: 13. Privileges: insert on perf_monitoring.index_strategy_evidence.
insert into {{store}}.index_strategy_evidence (
    index_strategy_id, query_hash, query_pattern, weight, cost_before, cost_after, mean_time_ms)
select @Id::uuid, x.query_hash, x.query_pattern, x.weight, x.cost_before, x.cost_after, x.mean_time_ms
from pg_catalog.jsonb_to_recordset(@Impacts::jsonb) as x (
    query_hash text, query_pattern text, weight float8, cost_before float8, cost_after float8, mean_time_ms float8)
order by x.query_hash
