-- Purpose: ends work with the rights of a schema's owner.
-- Minimum version: 13. Privileges: none.
set local role none
