Queries of the native engine.

-- query: session_identity
SELECT pg_catalog.pg_backend_pid(), a.backend_start::pg_catalog.text, s.system_identifier,
       pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8),
       d.oid
  FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d, pg_catalog.pg_stat_activity a
 WHERE d.datname = pg_catalog.current_database() AND a.pid = pg_catalog.pg_backend_pid()
-- query: server_identity
SELECT s.system_identifier, pg_catalog.pg_is_in_recovery(),
       CASE WHEN NOT pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8) END
  FROM pg_catalog.pg_control_system() s
-- query: xact_status
SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8)
-- query: end_backend
SELECT pg_catalog.pg_terminate_backend(pid)
  FROM pg_catalog.pg_stat_activity
 WHERE pid = $1::pg_catalog.int4 AND backend_start = $2::pg_catalog.timestamptz
-- query: blockers
SELECT a.pid, COALESCE(a.usename, '?'), COALESCE(NULLIF(a.application_name, ''), '-'),
       COALESCE(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start), 0)::pg_catalog.int8,
       COALESCE(a.state, '?'), pg_catalog.regexp_replace(pg_catalog.left(COALESCE(a.query, ''), 160), '\s+', ' ', 'g')
  FROM pg_catalog.pg_stat_activity a
 WHERE a.pid = ANY (pg_catalog.pg_blocking_pids($1::pg_catalog.int4))
 ORDER BY a.xact_start LIMIT 3
-- query: progress_read
SELECT statement, sha256, COALESCE(finished_at > '-infinity', false), run_id, finished_at IS NULL
  FROM belay.progress WHERE revision = $1 AND direction = $2 ORDER BY statement
-- query: progress_start
INSERT INTO belay.progress (revision, direction, statement, sha256, run_id)
VALUES ($1, $2, $3::pg_catalog.int8, $4, $5)
    ON CONFLICT (revision, direction, statement)
    DO UPDATE SET sha256 = EXCLUDED.sha256, run_id = EXCLUDED.run_id, started_at = pg_catalog.clock_timestamp(),
                  finished_at = NULL
-- query: progress_finish
UPDATE belay.progress SET finished_at = pg_catalog.clock_timestamp()
 WHERE revision = $1 AND direction = $2 AND statement = $3::pg_catalog.int8
-- query: role_read
SELECT session_user, pg_catalog.current_setting('role')
-- query: role_write
SELECT pg_catalog.set_config('session_authorization', $1, true), pg_catalog.set_config('role', $2, true)
-- query: progress_fail
UPDATE belay.progress SET finished_at = '-infinity'
 WHERE revision = $1 AND direction = $2 AND run_id = $3 AND finished_at IS NULL
-- query: progress_session
SELECT pid FROM pg_catalog.pg_stat_activity
 WHERE application_name = $1 AND $1 <> '-' AND pid <> pg_catalog.pg_backend_pid() LIMIT 1
-- query: index_state
SELECT i.indisvalid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
  FROM pg_catalog.pg_class t
  JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE t.oid = pg_catalog.to_regclass($1) AND c.relname = (pg_catalog.parse_ident($2))[1]
-- query: reindex_left
SELECT DISTINCT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_index o ON o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid
  JOIN pg_catalog.pg_class oc ON oc.oid = o.indexrelid
  CROSS JOIN pg_catalog.regexp_replace(c.relname, '_cc(new|old)[0-9]*$', '') base
 WHERE NOT i.indisvalid AND pg_catalog.to_regclass($1) IN (o.indexrelid, o.indrelid)
   AND c.relname ~ '_cc(new|old)[0-9]*$'
   AND (base = oc.relname
        OR pg_catalog.octet_length(c.relname) > 55 AND pg_catalog.starts_with(oc.relname, base)) -- names are cut
 ORDER BY 1
