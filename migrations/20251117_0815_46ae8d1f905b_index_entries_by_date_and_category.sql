-- Index entries by date and category, without blocking the imports
--
-- CREATE INDEX CONCURRENTLY cannot run in a transaction. A run that is killed here continues at the right
-- statement and drops the INVALID index first.
--
-- Revision ID: 46ae8d1f905b
-- Revises: b65f0c38d7e1
-- Create Date: 2025-11-17 08:15:00+00:00
-- Transaction: no

-- belay: upgrade
CREATE INDEX CONCURRENTLY ix_bank_statement_entries_booked_on ON bank_statement_entries (booked_on);
CREATE INDEX CONCURRENTLY ix_bank_statement_entries_category_id ON bank_statement_entries (category_id);

-- belay: downgrade
DROP INDEX CONCURRENTLY ix_bank_statement_entries_category_id;
DROP INDEX CONCURRENTLY ix_bank_statement_entries_booked_on;

-- belay: verify
SELECT count(*) = 2 AND bool_and(indisvalid) FROM pg_index
WHERE indexrelid::regclass::text LIKE '%ix_bank_statement_entries_%' AND NOT indisprimary AND NOT indisunique;
