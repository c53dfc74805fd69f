-- Purpose: the handle, or the refusal, of each hypothetical index that this transaction created, in order.
-- Minimum version: 13. Privileges: none.
select r.result
    from pg_catalog.unnest(pg_catalog.current_setting('perf_monitoring.indexes')::text[]) with ordinality r (result, number)
        order by r.number
