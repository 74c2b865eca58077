Version table and ledger.

-- query: version_find
SELECT t.identity
  FROM pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, pg_catalog.to_regclass($1), 0) t
-- query: version_schema
SELECT pg_catalog.current_schema()
-- query: version_place
SELECT n.oid IS NOT NULL, COALESCE(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false),
       pg_catalog.quote_ident($1), pg_catalog.quote_ident(current_user),
       (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(o.nspname) || '.' || pg_catalog.quote_ident(c.relname), ', ')
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace o ON o.oid = c.relnamespace
         WHERE c.relname = $2 AND c.relkind IN ('r', 'p'))
  FROM (SELECT) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1
-- query: version_rights
SELECT pg_catalog.has_table_privilege($1, 'SELECT') AND pg_catalog.has_table_privilege($1, 'INSERT')
       AND pg_catalog.has_table_privilege($1, 'DELETE'),
       pg_catalog.quote_ident(current_user)
-- query: ledger_rights
SELECT pg_catalog.to_regclass('belay.progress') IS NOT NULL,
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
       pg_catalog.quote_ident(pg_catalog.current_database()),
       pg_catalog.quote_ident(current_user),
       pg_catalog.to_regnamespace('belay') IS NOT NULL,
       NOT EXISTS (SELECT FROM pg_catalog.pg_class c, pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
                    WHERE c.oid IN (pg_catalog.to_regclass('belay.ledger'), pg_catalog.to_regclass('belay.progress'))
                      AND NOT (c.relname = 'ledger' AND p = 'DELETE')
                      AND NOT pg_catalog.has_table_privilege(c.oid, p))
-- query: ledger_create
CREATE SCHEMA IF NOT EXISTS belay;
COMMENT ON SCHEMA belay IS 'What belay applied to this database, and when';
CREATE TABLE IF NOT EXISTS belay.ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    run_id text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('upgrade', 'downgrade', 'stamp', 'restore')),
    revision text,
    heads text[] NOT NULL,
    upgrade_sha256 text,
    downgrade_sha256 text,
    file_sha256 text,
    statement_count bigint,
    duration_ms bigint,
    who text NOT NULL,
    schema_sha256 text
);
CREATE TABLE IF NOT EXISTS belay.progress (
    revision text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('upgrade', 'downgrade')),
    statement bigint NOT NULL,
    sha256 text NOT NULL,
    run_id text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (revision, direction, statement)
)
-- query: ledger_exists
SELECT pg_catalog.to_regclass('belay.ledger')
-- query: ledger_count_run
SELECT pg_catalog.count(*) FROM belay.ledger WHERE run_id = $1 AND reason IN ('upgrade', 'downgrade')
-- query: progress_count_run
SELECT pg_catalog.count(*) FROM belay.progress WHERE run_id = $1
-- query: progress_begun
SELECT pg_catalog.string_agg(DISTINCT revision, ', ') FROM belay.progress
-- query: progress_forget_run
DELETE FROM belay.progress WHERE run_id = $1
-- query: ledger_applied
SELECT DISTINCT ON (revision) revision, reason, upgrade_sha256, downgrade_sha256, file_sha256,
       id < COALESCE((SELECT pg_catalog.max(id) FROM belay.ledger WHERE reason = 'stamp'), 0)
  FROM belay.ledger
 WHERE revision IS NOT NULL AND reason IN ('upgrade', 'downgrade')
 ORDER BY revision, id DESC
-- query: ledger_last_schema
SELECT CASE WHEN pg_catalog.array_to_string(ARRAY(SELECT h FROM pg_catalog.unnest(heads) h ORDER BY h COLLATE "C"), ',') = $1
            THEN schema_sha256 END
  FROM belay.ledger ORDER BY id DESC LIMIT 1
-- query: lock_timeout
SELECT pg_catalog.current_setting('lock_timeout')
-- query: ledger_set_schema
UPDATE belay.ledger SET schema_sha256 = $1 WHERE id = (SELECT pg_catalog.max(id) FROM belay.ledger)
