-- Purpose: sets the user's search path for the rest of the transaction, in which the user's statement is planned.
-- Minimum version: 13. Privileges: none.
select pg_catalog.set_config('search_path', @SearchPath::text, true)
