-- Purpose: for the rest of the transaction, the search path of the user, under which the user's own statement is read.
-- Minimum version: 13. Privileges: none.
select pg_catalog.set_config('search_path', @SearchPath::text, true)
