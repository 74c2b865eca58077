-- Add project_code to projects
--
-- Revision ID: 3f2a9c1b7d10
-- Revises: 9b1c22d07a51
-- Create Date: 2025-11-10 12:34:00+00:00
-- Branch Labels:
-- Depends On:
-- Transaction: yes

-- belay: upgrade
ALTER TABLE projects ADD COLUMN project_code varchar(50);

-- belay: downgrade
ALTER TABLE projects DROP COLUMN project_code;

-- belay: verify
SELECT count(*) = 1 FROM information_schema.columns
WHERE table_name = 'projects' AND column_name = 'project_code';
