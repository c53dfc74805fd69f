-- Purpose: the build rate in bytes of index per second, over the last builds of a monitored database; null without any. Small
-- builds are left out, because their time consists of waits.
-- Minimum version: 13. Privileges: select on perf_monitoring.index_strategy and index_strategy_detail.
select pg_catalog.sum(b.size_bytes)::float8 / nullif(pg_catalog.sum(b.build_seconds), 0)
from (
    select d.size_bytes, d.build_seconds
    from {{store}}.index_strategy_detail d
    join {{store}}.index_strategy s on s.id = d.index_strategy_id
    where d.build_seconds > 0 and d.size_bytes >= 1048576
    order by s.updated_at desc, s.id
    limit 20
) b
