-- Purpose: makes a schema of the store. It must not exist, so that nobody slips one in.
-- Minimum version: 13. Privileges: create on the database.
create schema {{store}}
