What is known about a database from outside of it, and what in it can act outside of a transaction.

-- query: database_evidence
SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()), s.system_identifier,
       pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8),
       d.sessions, COALESCE(d.stats_reset::pg_catalog.text, '')
  FROM pg_catalog.pg_control_system() s, pg_catalog.pg_stat_database d
 WHERE d.datname = $1

-- query: database_size
SELECT pg_catalog.pg_database_size($1::pg_catalog.name)

-- query: not_aborted
SELECT pg_catalog.count(*)
  FROM pg_catalog.generate_series($1::pg_catalog.int8, $2::pg_catalog.int8 - 1) x
 WHERE pg_catalog.pg_xact_status(x::pg_catalog.text::pg_catalog.xid8) IS DISTINCT FROM 'aborted'

-- query: may_run_programs
SELECT pg_catalog.pg_has_role(current_user, 'pg_execute_server_program', 'USAGE')

-- query: libraries
SELECT DISTINCT pg_catalog.regexp_replace(pg_catalog.regexp_replace(p.probin, '^.*/', ''), '\.(so|dll|dylib)$', '')
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
 WHERE l.lanname = 'c' AND p.oid >= 16384
 ORDER BY 1

-- query: other_ways
SELECT pg_catalog.format('the language %s', lanname)
  FROM pg_catalog.pg_language
 WHERE NOT lanpltrusted AND lanname NOT IN ('internal', 'c')
UNION ALL
SELECT pg_catalog.format('the function %s, which has COPY ... PROGRAM', p.oid::pg_catalog.regprocedure)
  FROM pg_catalog.pg_proc p
 WHERE p.oid >= 16384 AND p.prosrc ~* '\mcopy\M.*\mprogram\M'
