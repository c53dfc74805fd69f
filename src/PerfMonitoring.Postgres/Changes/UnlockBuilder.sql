-- Purpose: releases the lock for the next builder. The session holds no other locks of this kind.
-- Minimum version: 13. Privileges: none.
select pg_catalog.pg_advisory_unlock_all()
