-- Purpose: the cluster's identity, the same under each of its addresses.
-- Minimum version: 9.6. Privileges: execute on pg_control_system(), which some managed services take away.
select c.system_identifier
from pg_catalog.pg_control_system() c
