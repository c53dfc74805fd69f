-- Purpose: the id of the strategy with a table's and an index's name.
-- Minimum version: 13. Privileges: select on perf_monitoring.index_strategy.
select s.id
from {{store}}.index_strategy s
where s.table_name = @TableName::text and s.index_name = @IndexName::text
