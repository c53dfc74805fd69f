-- Purpose: a schema that is made in this transaction is not distributed yet: that is done when its tables are there.
-- Minimum version: 14, Citus 12. Privileges: none.
select pg_catalog.set_config('citus.enable_schema_based_sharding', 'off', true)
