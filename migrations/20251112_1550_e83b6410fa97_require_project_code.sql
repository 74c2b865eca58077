-- Give every project a code, and require it
--
-- Revision ID: e83b6410fa97
-- Revises: 70c5e94a1bd2
-- Create Date: 2025-11-12 15:50:00+00:00

-- belay: upgrade
UPDATE projects SET project_code = 'P-' || upper(left(replace(id::text, '-', ''), 12)) WHERE project_code IS NULL;
ALTER TABLE projects ALTER COLUMN project_code SET NOT NULL;
ALTER TABLE projects ADD CONSTRAINT uq_projects_project_code UNIQUE (project_code);

-- belay: downgrade
ALTER TABLE projects DROP CONSTRAINT uq_projects_project_code;
ALTER TABLE projects ALTER COLUMN project_code DROP NOT NULL;
UPDATE projects SET project_code = NULL WHERE project_code = 'P-' || upper(left(replace(id::text, '-', ''), 12));

-- belay: verify
SELECT NOT EXISTS (SELECT FROM projects WHERE project_code IS NULL);
