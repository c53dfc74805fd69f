-- Purpose: for one transaction, limits the time of a reading of a table, and forbids writes.
-- Minimum version: 13. Privileges: none.
select
    pg_catalog.set_config('transaction_read_only', 'on', true),
    pg_catalog.set_config('statement_timeout', @Milliseconds::text, true)
