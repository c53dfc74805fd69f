-- Purpose: makes a schema the search path until the transaction ends.
-- Minimum version: 13. Privileges: none.
select pg_catalog.set_config('search_path', pg_catalog.quote_ident(@Schema::text), true)
