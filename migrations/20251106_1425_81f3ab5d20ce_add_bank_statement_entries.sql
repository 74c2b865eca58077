-- Add bank statement entries
--
-- Categories are assigned by an import that may run ahead of the category list, so category_id has no foreign
-- key yet; 1da9275c8e36 repairs what that let in.
--
-- Revision ID: 81f3ab5d20ce
-- Revises: c47d9e02b6f8
-- Create Date: 2025-11-06 14:25:00+00:00

-- belay: upgrade
CREATE TABLE bank_statement_entries (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    file_id uuid NOT NULL REFERENCES bank_statement_files (id) ON DELETE CASCADE,
    line_no integer NOT NULL CHECK (line_no > 0),
    booked_on date NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount <> 0),
    counterparty varchar(200),
    purpose text,
    category_id uuid,
    raw_line jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_bank_statement_entries_line UNIQUE (file_id, line_no)
);

-- belay: downgrade
DROP TABLE bank_statement_entries;

-- belay: verify
SELECT count(*) >= 10 FROM information_schema.columns WHERE table_name = 'bank_statement_entries';
