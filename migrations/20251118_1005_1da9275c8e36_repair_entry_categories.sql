-- Repair the categories of entries, then require that they exist
--
-- Entries whose category is unknown move to "Uncategorised"; what they had is kept in raw_line, so that the
-- downgrade gives it back.
--
-- Revision ID: 1da9275c8e36
-- Revises: 46ae8d1f905b
-- Create Date: 2025-11-18 10:05:00+00:00

-- belay: upgrade
INSERT INTO categories (name, kind)
SELECT 'Uncategorised', 'expense'
WHERE NOT EXISTS (SELECT FROM categories WHERE parent_id IS NULL AND name = 'Uncategorised');

UPDATE bank_statement_entries e
SET raw_line = e.raw_line || jsonb_build_object('unknown_category_id', e.category_id),
    category_id = (SELECT id FROM categories WHERE parent_id IS NULL AND name = 'Uncategorised')
WHERE e.category_id IS NOT NULL AND NOT EXISTS (SELECT FROM categories c WHERE c.id = e.category_id);

ALTER TABLE bank_statement_entries ADD CONSTRAINT fk_bank_statement_entries_category
    FOREIGN KEY (category_id) REFERENCES categories (id);

-- belay: downgrade
ALTER TABLE bank_statement_entries DROP CONSTRAINT fk_bank_statement_entries_category;

UPDATE bank_statement_entries
SET category_id = (raw_line ->> 'unknown_category_id')::uuid, raw_line = raw_line - 'unknown_category_id'
WHERE raw_line ? 'unknown_category_id';

DELETE FROM categories c
WHERE c.parent_id IS NULL AND c.name = 'Uncategorised'
    AND NOT EXISTS (SELECT FROM bank_statement_entries e WHERE e.category_id = c.id)
    AND NOT EXISTS (SELECT FROM bank_statement_entry_splits s WHERE s.category_id = c.id)
    AND NOT EXISTS (SELECT FROM project_category_positions p WHERE p.category_id = c.id)
    AND NOT EXISTS (SELECT FROM categories child WHERE child.parent_id = c.id);

-- belay: verify
SELECT convalidated FROM pg_constraint WHERE conname = 'fk_bank_statement_entries_category';
