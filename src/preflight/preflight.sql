Checks that are a query: a row (verdict, message, hint) for each finding, none when all is well. Run in the target's
database, except where the table in preflight.c says otherwise. Every query takes the text parameter $1: see the table.

-- query: read_only
SELECT 'refuse', format('every transaction of role %s in this database is read-only: default_transaction_read_only is on (%s)',
         current_user, source),
       CASE source
         WHEN 'database' THEN format('ALTER DATABASE %I RESET default_transaction_read_only', current_database())
         WHEN 'user' THEN format('ALTER ROLE %I RESET default_transaction_read_only', current_user)
         WHEN 'database user' THEN format('ALTER ROLE %I IN DATABASE %I RESET default_transaction_read_only', current_user, current_database())
         WHEN 'global' THEN 'ALTER ROLE ALL RESET default_transaction_read_only'
         WHEN 'client' THEN 'take it out of the options of the connection (PGOPTIONS, the service file, the url)'
         ELSE 'ALTER SYSTEM RESET default_transaction_read_only (or take it out of postgresql.conf), then SELECT pg_reload_conf()'
       END
  FROM pg_settings WHERE name = 'default_transaction_read_only' AND setting = 'on' AND $1::text IS NOT NULL
-- query: ownership
SELECT 'refuse', format('role %s does not own database %s, so it cannot rename it', current_user, datname),
       format('ALTER DATABASE %I OWNER TO %I, or GRANT %I TO %I', datname, current_user, datdba::regrole, current_user)
  FROM pg_database WHERE datname = $1 AND NOT pg_has_role(datdba, 'USAGE')
UNION ALL
SELECT 'refuse', format('role %s may not create databases', current_user), format('ALTER ROLE %I CREATEDB', current_user)
  FROM pg_roles WHERE rolname = current_user AND NOT rolsuper AND NOT rolcreatedb
-- query: sessions
SELECT 'refuse', format('sessions are connected that role %s may not end: %s', current_user,
         string_agg(format('process %s of %s (%s)', a.pid, a.usename, a.application_name), ', ')),
       format('close them, or GRANT pg_signal_backend TO %I (sessions of superusers need a superuser)', current_user)
  FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
 WHERE a.datname = $1 AND a.pid <> pg_backend_pid()
   AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
   AND (r.rolsuper OR NOT (pg_has_role(r.oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')))
HAVING count(*) > 0
UNION ALL
SELECT 'warn', format('sessions of these roles could not be ended by %s, should they connect meanwhile: %s', current_user,
         string_agg(r.rolname, ', ' ORDER BY r.rolname)),
       format('GRANT pg_signal_backend TO %I, or stop what connects as them (`stop_command`)', current_user)
  FROM pg_roles r JOIN pg_database d ON d.datname = $1
 WHERE r.rolcanlogin AND NOT r.rolsuper AND has_database_privilege(r.oid, d.oid, 'CONNECT')
   AND NOT pg_has_role(r.oid, 'USAGE') AND NOT pg_has_role('pg_signal_backend', 'USAGE')
   AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
HAVING count(*) > 0
-- query: background_workers
SELECT 'refuse', format('background worker "%s" (process %s) is bound to the database, and would come back after each end',
         backend_type, pid),
       'stop it for the run: see the extension it belongs to'
  FROM pg_stat_activity
 WHERE datname = $1 AND backend_type NOT IN ('client backend', 'walsender', 'parallel worker', 'autovacuum worker')
   AND backend_type NOT LIKE 'logical replication%'
-- query: long_transactions
SELECT 'warn', format('process %s of %s (%s) has a transaction open for %s, %s: %s', pid, usename,
         coalesce(nullif(application_name, ''), 'no application name'), date_trunc('second', now() - xact_start), state,
         coalesce(nullif(left(regexp_replace(query, '\s+', ' ', 'g'), 80), ''), 'no query to see')),
       'migrations wait for its locks, or closing the gate ends it; pg_terminate_backend(' || pid || ') does it now'
  FROM pg_stat_activity
 WHERE datname = $1 AND pid <> pg_backend_pid() AND xact_start < now() - $2::interval
-- query: blocked
SELECT 'warn', format('process %s of %s waits for a lock that process %s holds', a.pid, a.usename,
         array_to_string(pg_blocking_pids(a.pid), ', ')),
       'a migration would queue behind them'
  FROM pg_stat_activity a
 WHERE a.datname = $1 AND a.pid <> pg_backend_pid() AND a.wait_event_type = 'Lock'
-- query: prepared_transactions
SELECT 'refuse', format('prepared transaction %L of %s holds the database since %s', gid, owner, prepared::timestamp(0)),
       format('COMMIT PREPARED %L or ROLLBACK PREPARED %L', gid, gid)
  FROM pg_prepared_xacts WHERE database = $1
-- query: invalid_indexes
SELECT 'warn', format('index %s is invalid', indexrelid::regclass),
       format('REINDEX INDEX CONCURRENTLY %s, or drop it', indexrelid::regclass)
  FROM pg_index WHERE NOT indisvalid AND $1::text IS NOT NULL
-- query: connections
-- $2: how many more connections the run opens, $3: how many of them in the target's database, $4: whether it ends the
-- sessions there first. Superusers are exempt from the limits of roles and databases.
WITH me AS (SELECT rolsuper, rolconnlimit FROM pg_roles WHERE rolname = current_user),
others AS (SELECT usename, datname FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND NOT ($4::boolean AND datname = $1)),
room AS (SELECT current_setting('max_connections')::int
                - CASE WHEN rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int
                                                 + coalesce(current_setting('reserved_connections', true)::int, 0) END
                - (SELECT count(*) FROM others) AS free FROM me)
SELECT 'refuse', format('the server has room for %s more connections of role %s, the run needs %s', greatest(free, 0),
         current_user, $2::int), 'close idle connections, raise max_connections, or lower `jobs`'
  FROM room WHERE free < $2::int
UNION ALL
SELECT 'refuse', format('role %s may have %s connections at once, the run needs %s more than the %s it has', current_user,
         rolconnlimit, $2::int, used), format('ALTER ROLE %I CONNECTION LIMIT %s', current_user, used + $2::int)
  FROM me, (SELECT count(*) AS used FROM others WHERE usename = current_user) u
 WHERE NOT rolsuper AND rolconnlimit >= 0 AND rolconnlimit < used + $2::int
UNION ALL
SELECT 'refuse', format('database %s takes %s connections at once, the run needs %s beside the %s there', datname,
         datconnlimit, $3::int, used), format('ALTER DATABASE %I CONNECTION LIMIT %s', datname, used + $3::int)
  FROM me, pg_database, (SELECT count(*) AS used FROM others WHERE datname = $1) u
 WHERE datname = $1 AND NOT rolsuper AND datconnlimit >= 0 AND datconnlimit < used + $3::int
-- query: readable
SELECT 'refuse', format('role %s cannot read %s, so a snapshot would lack it', current_user,
         string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text)),
       format('GRANT pg_read_all_data TO %I', current_user)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')) AND $1 <> 'twin'
HAVING count(*) > 0
UNION ALL
SELECT 'refuse', format('policies hide rows of %s from role %s, so a snapshot would lack them',
         string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text), current_user),
       format('ALTER ROLE %I BYPASSRLS', current_user)
  FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND row_security_active(c.oid) AND $1 <> 'twin'
HAVING count(*) > 0
-- query: owners
WITH things AS (
  SELECT relowner AS owner, relnamespace AS space, 'pg_class'::regclass AS class, oid, oid::regclass::text AS name
    FROM pg_class WHERE relkind IN ('r', 'p', 'S', 'v', 'm', 'f')
  UNION ALL
  SELECT typowner, typnamespace, 'pg_type'::regclass, oid, oid::regtype::text
    FROM pg_type WHERE typtype IN ('e', 'd', 'r') OR typtype = 'c' AND typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c')
  UNION ALL
  SELECT proowner, pronamespace, 'pg_proc'::regclass, oid, oid::regprocedure::text FROM pg_proc
  UNION ALL
  SELECT nspowner, oid, 'pg_namespace'::regclass, oid, 'schema ' || quote_ident(nspname) FROM pg_namespace
  UNION ALL
  SELECT collowner, collnamespace, 'pg_collation'::regclass, oid, 'collation ' || quote_ident(collname) FROM pg_collation
  UNION ALL
  SELECT conowner, connamespace, 'pg_conversion'::regclass, oid, 'conversion ' || quote_ident(conname) FROM pg_conversion
  UNION ALL
  SELECT oprowner, oprnamespace, 'pg_operator'::regclass, oid, 'operator ' || oid::regoperator FROM pg_operator
  UNION ALL
  SELECT opcowner, opcnamespace, 'pg_opclass'::regclass, oid, 'operator class ' || quote_ident(opcname) FROM pg_opclass
  UNION ALL
  SELECT stxowner, stxnamespace, 'pg_statistic_ext'::regclass, oid, 'statistics ' || quote_ident(stxname) FROM pg_statistic_ext
  UNION ALL
  SELECT cfgowner, cfgnamespace, 'pg_ts_config'::regclass, oid, 'text search configuration ' || quote_ident(cfgname) FROM pg_ts_config
  UNION ALL
  SELECT dictowner, dictnamespace, 'pg_ts_dict'::regclass, oid, 'text search dictionary ' || quote_ident(dictname) FROM pg_ts_dict
  UNION ALL
  SELECT pubowner, NULL, 'pg_publication'::regclass, oid, 'publication ' || quote_ident(pubname) FROM pg_publication
  UNION ALL
  SELECT srvowner, NULL, 'pg_foreign_server'::regclass, oid, 'server ' || quote_ident(srvname) FROM pg_foreign_server)
SELECT 'refuse', format('a restore could not give %s of %s to it as role %s: %s', count(*) || CASE count(*) WHEN 1 THEN ' object' ELSE ' objects' END,
         owner::regrole, current_user, string_agg(name, ', ' ORDER BY name) FILTER (WHERE place <= 5) || CASE WHEN count(*) > 5 THEN ', ...' ELSE '' END),
       format('GRANT %s TO %I, or change their owner, or make a twin alone the way back (way_back = twin, snapshot = no)', owner::regrole, current_user)
  FROM (SELECT t.*, row_number() OVER (PARTITION BY owner ORDER BY name) AS place
          FROM things t LEFT JOIN pg_namespace n ON n.oid = t.space
         WHERE (t.oid >= 16384 OR t.class = 'pg_namespace'::regclass) AND coalesce(n.nspname, '') !~ '^(pg_|information_schema$)'
           AND NOT pg_has_role(owner, 'MEMBER') AND $1 <> 'twin'
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = t.class AND d.objid = t.oid AND d.deptype = 'e')) o
 GROUP BY owner
-- query: recreatable
SELECT 'refuse', format('role %s cannot recreate extension %s, which is not trusted', current_user, e.extname),
       'use a superuser for the target, or way_back = twin'
  FROM pg_extension e JOIN pg_available_extension_versions v ON v.name = e.extname AND v.version = e.extversion
 WHERE v.superuser AND NOT v.trusted AND e.extname <> 'plpgsql' AND $1 <> 'twin'
   AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
UNION ALL
SELECT 'refuse', format('role %s cannot read the options of the user mapping for %s on server %s', current_user, usename, srvname),
       'use a superuser for the target, or way_back = twin'
  FROM pg_user_mappings WHERE umoptions IS NULL AND $1 <> 'twin'
   AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
UNION ALL
SELECT 'refuse', format('%s large objects belong to other roles', count(*)),
       'use a superuser for the target, or way_back = twin'
  FROM pg_largeobject_metadata WHERE $1 <> 'twin' AND NOT pg_has_role(lomowner, 'USAGE')
   AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
HAVING count(*) > 0
UNION ALL
SELECT 'refuse', format('only a superuser could recreate %s', string_agg(what, ', ' ORDER BY what)),
       'use a superuser for the target, or way_back = twin with snapshot = no'
  FROM (SELECT 'event trigger ' || quote_ident(evtname) AS what, 'pg_event_trigger'::regclass AS class, oid FROM pg_event_trigger
         UNION ALL
        SELECT 'function ' || p.oid::regprocedure, 'pg_proc'::regclass, p.oid
          FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
         WHERE NOT l.lanpltrusted AND p.oid >= 16384
         UNION ALL
        SELECT 'foreign-data wrapper ' || quote_ident(fdwname), 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
         UNION ALL
        SELECT 'publication ' || quote_ident(pubname) || ' of all tables', 'pg_publication'::regclass, oid
          FROM pg_publication WHERE puballtables
         UNION ALL
        SELECT 'subscription ' || quote_ident(subname), 'pg_subscription'::regclass, oid
          FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())) w
 WHERE $1 <> 'twin' AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = w.class AND d.objid = w.oid AND d.deptype = 'e')
HAVING count(*) > 0
UNION ALL
SELECT 'refuse', format('role %s may not put %s into tablespace %s again', current_user, string_agg(c.oid::regclass::text, ', '), t.spcname),
       format('GRANT CREATE ON TABLESPACE %I TO %I', t.spcname, current_user)
  FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace
 WHERE c.oid >= 16384 AND c.relnamespace <> 'pg_toast'::regnamespace AND $1 <> 'twin' AND NOT has_tablespace_privilege(t.oid, 'CREATE')
 GROUP BY t.spcname
UNION ALL
-- pg_dump has no word for it
SELECT 'warn', format('the triggers of foreign key %I of table %s are disabled; a restore from a snapshot enables them', f.conname, f.conrelid::regclass),
       'if that matters, keep the twin the only way back: way_back = twin with snapshot = no'
  FROM pg_constraint f
 WHERE f.contype = 'f' AND f.conparentid = 0 AND $1 <> 'twin'
   AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = f.oid AND t.tgisinternal AND t.tgenabled <> 'O')
-- query: extensions
SELECT 'refuse', format('extension %s is installed at version %s, which the server no longer offers', extname, extversion),
       'ALTER EXTENSION ... UPDATE, or install that version again: a restore could not create it'
  FROM pg_extension e
 WHERE $1::text IS NOT NULL AND NOT EXISTS (SELECT FROM pg_available_extension_versions v
                    WHERE v.name = e.extname AND v.version = e.extversion)
-- query: standbys
SELECT 'warn', format('standby %s is %s behind', coalesce(nullif(application_name, ''), client_addr::text), pg_size_pretty(lag)),
       'it also replays what a restore writes'
  FROM (SELECT application_name, client_addr, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) AS lag
          FROM pg_stat_replication WHERE NOT pg_is_in_recovery()) s
 WHERE lag > 64 * 1024 * 1024 AND $1::text IS NOT NULL
UNION ALL
SELECT 'refuse', 'the server is a standby', 'point the target at the primary'
 WHERE pg_is_in_recovery()
UNION ALL
SELECT 'warn', format('replication slot %s holds back %s of WAL', slot_name,
         pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))), 'its consumer seems to be gone'
  FROM pg_replication_slots
 WHERE NOT active AND restart_lsn IS NOT NULL AND NOT pg_is_in_recovery()
   AND pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) > 256 * 1024 * 1024
-- query: archiver
SELECT 'warn', format('archiving WAL fails since %s (%s)', last_failed_time::timestamp(0), last_failed_wal),
       'WAL piles up until archive_command works again'
  FROM pg_stat_archiver
 WHERE last_failed_time > coalesce(last_archived_time, '-infinity') AND $1::text IS NOT NULL
-- query: local_time
SELECT extract(dow FROM t)::int, floor(extract(epoch FROM t::time) / 60)::int, to_char(t, 'Dy HH24:MI')
  FROM (SELECT now() AT TIME ZONE $1 AS t) here
-- query: data_bytes
SELECT coalesce(sum(pg_table_size(oid)), 0)::bigint FROM pg_class WHERE relkind IN ('r', 'm') AND oid >= 16384
-- query: server_place
SELECT coalesce(nullif(pg_tablespace_location(d.dattablespace), ''),
                (SELECT setting FROM pg_settings WHERE name = 'data_directory'), ''),
       pg_database_size(d.oid),
       (SELECT setting::bigint * 1024 * 1024 FROM pg_settings WHERE name = 'max_wal_size')
  FROM pg_database d WHERE d.datname = current_database()
