-- Purpose: stores the data of a strategy that the entity does not hold, and deletes its old evidence.
-- Minimum version: 13. Privileges: insert, update on perf_monitoring.index_strategy_detail, delete on index_strategy_evidence.
with old as (
    delete from {{store}}.index_strategy_evidence e
    where e.index_strategy_id = @Id::uuid
)
insert into {{store}}.index_strategy_detail (
    index_strategy_id, definition, cost_before, cost_after, size_bytes, rank, evidence, reason, write_cost,
    marginal_gain, replaces)
values (
    @Id::uuid, @Definition::jsonb, @CostBefore::float8, @CostAfter::float8, @SizeBytes::bigint,
    @Rank::int,
    @Evidence::text, @Reason::text, @WriteCost::float8, @MarginalGain::float8, @Replaces::text[])
on conflict (index_strategy_id) do update set
    definition = excluded.definition,
    cost_before = excluded.cost_before,
    cost_after = excluded.cost_after,
    size_bytes = excluded.size_bytes,
    rank = excluded.rank,
    evidence = excluded.evidence,
    reason = excluded.reason,
    write_cost = excluded.write_cost,
    marginal_gain = excluded.marginal_gain,
    replaces = excluded.replaces
