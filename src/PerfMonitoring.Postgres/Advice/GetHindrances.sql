-- Purpose: settings of loaded libraries that hinder planning with hypothetical indexes, with the value that does not.
-- Minimum version: 13. Privileges: none.
select
    s.name as name,
    s.setting as value,
    h.harmless as harmless
from pg_catalog.pg_settings s
join (values
    ('auto_explain.log_min_duration', '-1'),
    ('pg_hint_plan.enable_hint', 'off'),
    ('plan_filter.statement_cost_limit', '0')
) h (name, harmless) on h.name = s.name
where s.setting <> h.harmless
order by s.name
