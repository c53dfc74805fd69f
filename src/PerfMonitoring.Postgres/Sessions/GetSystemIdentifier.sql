-- Purpose: the cluster's identity, which is the same under each of its addresses.
-- Minimum version: 9.6. Privileges: execute on pg_control_system(), which some managed services revoke.
select c.system_identifier
from pg_catalog.pg_control_system() c
