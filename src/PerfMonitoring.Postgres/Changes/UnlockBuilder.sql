-- Purpose: lets the next builder begin. The session holds no other locks of this kind.
-- Minimum version: 13. Privileges: none.
select pg_catalog.pg_advisory_unlock_all()
