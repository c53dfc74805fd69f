-- Purpose: when pg_stat_statements was last set to zero. The extension's schema is put in place of public.
-- Minimum version: 14, with pg_stat_statements 1.9. Privileges: select on the view.
select i.stats_reset
from public.pg_stat_statements_info i
