-- Purpose: when pg_stat_statements was last set to zero. The extension's schema is the search path.
-- Minimum version: 14, with pg_stat_statements 1.9. Privileges: select on the view.
select i.stats_reset
from pg_stat_statements_info i
