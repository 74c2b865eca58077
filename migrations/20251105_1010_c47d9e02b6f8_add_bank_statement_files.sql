-- Add bank statement files
--
-- Revision ID: c47d9e02b6f8
-- Revises: 5e0a71c3d914
-- Create Date: 2025-11-05 10:10:00+00:00

-- belay: upgrade
CREATE TYPE statement_format AS ENUM ('csv', 'mt940', 'camt053', 'pdf');

CREATE TABLE bank_statement_files (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    bank_account_id uuid NOT NULL REFERENCES bank_accounts (id) ON DELETE CASCADE,
    file_name varchar(255) NOT NULL,
    format statement_format NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    period daterange NOT NULL CHECK (NOT isempty(period)),
    uploaded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_bank_statement_files_sha256 UNIQUE (bank_account_id, sha256)
);

CREATE INDEX ix_bank_statement_files_uploaded_at ON bank_statement_files (uploaded_at);

-- belay: downgrade
DROP TABLE bank_statement_files;
DROP TYPE statement_format;

-- belay: verify
SELECT to_regclass('bank_statement_files') IS NOT NULL;
