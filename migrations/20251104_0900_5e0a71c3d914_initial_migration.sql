-- Initial migration: projects, bank accounts, categories
--
-- Revision ID: 5e0a71c3d914
-- Revises:
-- Create Date: 2025-11-04 09:00:00+00:00

-- belay: upgrade
CREATE TABLE projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(200) NOT NULL,
    description text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE bank_accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    bank_name varchar(120) NOT NULL,
    account_number varchar(34) NOT NULL,
    currency char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    opening_balance numeric(14, 2) NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uq_bank_accounts_project_number UNIQUE (project_id, account_number)
);

CREATE TABLE categories (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    parent_id uuid REFERENCES categories (id),
    name varchar(120) NOT NULL,
    kind varchar(10) NOT NULL CHECK (kind IN ('income', 'expense', 'transfer')),
    CONSTRAINT uq_categories_parent_name UNIQUE (parent_id, name)
);

COMMENT ON TABLE categories IS 'What an entry was for; a tree, roots have no parent';

-- belay: downgrade
DROP TABLE categories;
DROP TABLE bank_accounts;
DROP TABLE projects;

-- belay: verify
SELECT count(*) = 3 FROM information_schema.tables
WHERE table_name IN ('projects', 'bank_accounts', 'categories') AND table_type = 'BASE TABLE';
