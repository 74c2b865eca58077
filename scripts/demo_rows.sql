-- Rows for the demo's bank: 20 projects, 60 accounts, 40 categories, 600 files, :entries statement entries (psql
-- variable) with splits. Deterministic. One entry in a hundred names a category that does not exist, which is
-- what revision 1da9275c8e36 repairs.
\set ON_ERROR_STOP on
BEGIN;

INSERT INTO projects (id, name, description, project_code)
SELECT md5('project' || n)::uuid, 'Project ' || n, 'Generated for the demo', 'P-' || lpad(n::text, 4, '0')
FROM generate_series(1, 20) n;

INSERT INTO bank_accounts (id, project_id, bank_name, account_number, opening_balance)
SELECT md5('account' || n)::uuid, md5('project' || 1 + n % 20)::uuid, (ARRAY['Sparkasse', 'Crédit Mutuel', 'Nordea'])[1 + n % 3],
    'DE' || lpad((n * 7919)::text, 20, '0'), n * 100
FROM generate_series(1, 60) n;

INSERT INTO categories (id, parent_id, name, kind)
SELECT md5('category' || n)::uuid, CASE WHEN n > 8 THEN md5('category' || 1 + n % 8)::uuid END, 'Category ' || n,
    (ARRAY['income', 'expense', 'transfer'])[1 + n % 3]
FROM generate_series(1, 40) n;

INSERT INTO project_category_positions (project_id, category_id, position)
SELECT md5('project' || p)::uuid, md5('category' || c)::uuid, c
FROM generate_series(1, 20) p, generate_series(1, 40) c;

INSERT INTO bank_statement_files (id, bank_account_id, file_name, format, sha256, period)
SELECT md5('file' || n)::uuid, md5('account' || 1 + n % 60)::uuid, 'statement-' || n || '.csv', 'csv',
    sha256(('file' || n)::bytea), daterange(date '2024-01-01' + n, date '2024-02-01' + n)
FROM generate_series(1, 600) n;

INSERT INTO bank_statement_entries (id, file_id, line_no, booked_on, amount, counterparty, purpose, category_id, raw_line)
SELECT md5('entry' || n)::uuid, md5('file' || 1 + n % 600)::uuid, 1 + n / 600, date '2024-01-01' + n % 700,
    CASE WHEN n % 4 = 0 THEN 1 ELSE -1 END * (1 + n % 99999) / 100.0, 'Counterparty ' || n % 977,
    CASE WHEN n % 5 > 0 THEN E'Invoice\t' || n || E'\nthank you' END,
    CASE WHEN n % 100 = 7 THEN md5('unknown' || n)::uuid WHEN n % 10 > 0 THEN md5('category' || 1 + n % 40)::uuid END,
    jsonb_build_object('line', n, 'bic', 'BELADEBE', 'tags', ARRAY['a' || n % 7, 'b' || n % 11])
FROM generate_series(1, :entries) n;

INSERT INTO bank_statement_entry_splits (entry_id, project_id, category_id, amount)
SELECT e.id, md5('project' || 1 + (e.raw_line ->> 'line')::int % 20)::uuid, md5('category1')::uuid, e.amount
FROM bank_statement_entries e WHERE (e.raw_line ->> 'line')::int % 50 = 0;

COMMIT;
ANALYZE;
