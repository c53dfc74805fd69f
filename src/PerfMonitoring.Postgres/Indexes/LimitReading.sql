-- Purpose: for one transaction, how long a table may be read, and that nothing is written.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('transaction_read_only', 'on', true),
    pg_catalog.set_config('statement_timeout', @Milliseconds::text, true)
