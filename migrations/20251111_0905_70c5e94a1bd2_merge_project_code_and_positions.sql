-- Merge project code and category positions
--
-- Revision ID: 70c5e94a1bd2
-- Revises: 3f2a9c1b7d10, d2068fe1a73b
-- Create Date: 2025-11-11 09:05:00+00:00

-- belay: upgrade

-- belay: downgrade
