Checks that are a query: a row (verdict, message, hint) for each finding, none when all is well. Run in the target's
database, except where the table in preflight.c says otherwise. Every query takes the text parameter $1: see the table.

-- query: server_version
SELECT CASE WHEN v < 140000 THEN 'refuse' ELSE 'warn' END,
       format('the server is PostgreSQL %s; belay is made for 14 to 18', current_setting('server_version')),
       CASE WHEN v < 140000 THEN 'upgrade the server' ELSE 'rehearse first, with a version of belay that knows this server if there is one' END
  FROM (SELECT current_setting('server_version_num')::int AS v) s
 WHERE (v < 140000 OR v >= 190000) AND $1::text IS NOT NULL
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
 WHERE datname = $1 AND pid <> pg_backend_pid() AND xact_start < now() - interval '1 minute'
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
-- query: readable
SELECT 'refuse', format('role %s cannot read %s, so a snapshot would lack it', current_user,
         string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text)),
       format('GRANT pg_read_all_data TO %I', current_user)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT has_table_privilege(c.oid, 'SELECT') AND $1 <> 'twin'
HAVING count(*) > 0
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
-- query: extensions
SELECT 'refuse', format('extension %s is installed at version %s, which the server no longer offers', extname, extversion),
       'ALTER EXTENSION ... UPDATE, or install that version again: a restore could not create it'
  FROM pg_extension e
 WHERE $1::text IS NOT NULL AND NOT EXISTS (SELECT FROM pg_available_extension_versions v
                    WHERE v.name = e.extname AND v.version = e.extversion)
-- query: followers
SELECT 'refuse', format('logical replication slot %s reads this database; after a restore it would follow the old one', slot_name),
       'drop it and recreate it after a restore, or pass --ignore-followers when that is dealt with'
  FROM pg_replication_slots WHERE database = $1
UNION ALL
SELECT 'refuse', format('subscription %s writes to this database; after a restore it would follow the old one', subname),
       'disable it for the run, or pass --ignore-followers when that is dealt with'
  FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = $1) AND subenabled
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
-- query: lock_table
SELECT 'refuse', format('%s relations need a lock each, the lock table holds %s', needed, room),
       format('raise max_locks_per_transaction to at least %s', needed / greatest(conns, 1) + 64)
  FROM (SELECT count(*) AS needed FROM pg_class WHERE relkind IN ('r', 'p', 'S', 'm', 'f')) n,
       (SELECT current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int AS conns,
               current_setting('max_locks_per_transaction')::bigint
               * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) AS room) r
 WHERE needed > room AND $1::text IS NOT NULL
-- query: window
WITH item AS (
  SELECT trim(i) AS text, regexp_match(trim(i), '^([A-Za-z]{3})?\s*(\d\d?:\d\d)-(\d\d?:\d\d)(?:\s+(\S+))?$') AS m
    FROM unnest(string_to_array($1, ',')) i),
at AS (SELECT text, initcap(m[1]) AS day, m[2]::time AS since, m[3]::time AS until,
              now() AT TIME ZONE coalesce(m[4], 'UTC') AS t, m IS NULL AS bad FROM item),
inside AS (SELECT *, CASE WHEN since <= until
                          THEN (day IS NULL OR day = to_char(t, 'Dy')) AND t::time >= since AND t::time < until
                          ELSE (day IS NULL OR day = to_char(t, 'Dy')) AND t::time >= since
                            OR (day IS NULL OR day = to_char(t - interval '1 day', 'Dy')) AND t::time < until END AS yes
             FROM at)
SELECT 'refuse', CASE WHEN bool_or(bad) THEN format('window cannot be read: %s', $1)
                      ELSE format('now is outside of the maintenance window %s (there it is %s)', $1, min(to_char(t, 'Dy HH24:MI'))) END,
       'wait for the window, or change `window` of the target'
  FROM inside HAVING coalesce($1, '') <> '' AND (bool_or(bad) OR NOT coalesce(bool_or(yes), false))
-- query: data_bytes
SELECT coalesce(sum(pg_table_size(oid)), 0)::bigint FROM pg_class WHERE relkind IN ('r', 'm') AND oid >= 16384
-- query: server_place
SELECT coalesce(nullif(pg_tablespace_location(d.dattablespace), ''),
                (SELECT setting FROM pg_settings WHERE name = 'data_directory'), ''),
       pg_database_size(d.oid),
       (SELECT setting::bigint * 1024 * 1024 FROM pg_settings WHERE name = 'max_wal_size')
  FROM pg_database d WHERE d.datname = current_database()
