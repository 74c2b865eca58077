-- Add project category positions
--
-- Revision ID: d2068fe1a73b
-- Revises: 9b1c22d07a51
-- Create Date: 2025-11-10 13:01:00+00:00

-- belay: upgrade
CREATE TABLE project_category_positions (
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    category_id uuid NOT NULL REFERENCES categories (id) ON DELETE CASCADE,
    position smallint NOT NULL CHECK (position >= 0),
    PRIMARY KEY (project_id, category_id),
    CONSTRAINT uq_project_category_positions_position UNIQUE (project_id, position) DEFERRABLE INITIALLY IMMEDIATE
);

-- belay: downgrade
DROP TABLE project_category_positions;

-- belay: verify
SELECT to_regclass('project_category_positions') IS NOT NULL;
