-- Add the direction of an entry, and a view of totals per account
--
-- Revision ID: b65f0c38d7e1
-- Revises: e83b6410fa97
-- Create Date: 2025-11-14 11:20:00+00:00

-- belay: upgrade
ALTER TABLE bank_statement_entries
    ADD COLUMN is_credit boolean NOT NULL GENERATED ALWAYS AS (amount > 0) STORED;

CREATE VIEW bank_account_totals AS
SELECT a.id AS bank_account_id, a.currency,
    a.opening_balance + coalesce(sum(e.amount), 0) AS balance,
    count(e.id) FILTER (WHERE e.is_credit) AS credits,
    count(e.id) FILTER (WHERE NOT e.is_credit) AS debits
FROM bank_accounts a
LEFT JOIN bank_statement_files f ON f.bank_account_id = a.id
LEFT JOIN bank_statement_entries e ON e.file_id = f.id
GROUP BY a.id;

-- belay: downgrade
DROP VIEW bank_account_totals;
ALTER TABLE bank_statement_entries DROP COLUMN is_credit;

-- belay: verify
SELECT count(*) >= 0 FROM bank_account_totals;
