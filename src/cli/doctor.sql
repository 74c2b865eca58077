What `belay doctor` asks the server: rows (verdict, message, hint), none when all is well.

-- query: doctor_server
SELECT 'warn', pg_catalog.format('the server is PostgreSQL %s, belay was made for 14 to 18', v.text),
       'rehearse before you deploy, and look for a newer belay'
  FROM (SELECT pg_catalog.current_setting('server_version') AS text,
               pg_catalog.current_setting('server_version_num')::int AS number) v
 WHERE v.number >= 190000
UNION ALL
SELECT 'refuse', 'the server is a standby, nothing can be changed there', 'point the target at the primary'
 WHERE pg_catalog.pg_is_in_recovery()
-- query: doctor_rights
SELECT 'refuse', pg_catalog.format('role %I may not create databases: a twin, a restore and a gate need that', r.rolname),
       pg_catalog.format('as a superuser: ALTER ROLE %I CREATEDB', r.rolname)
  FROM pg_catalog.pg_roles r
 WHERE r.rolname = current_user AND NOT r.rolsuper AND NOT r.rolcreatedb
UNION ALL
SELECT 'refuse', pg_catalog.format('role %I does not own database %I, so it can neither rename nor replace it', current_user, d.datname),
       pg_catalog.format('as a superuser: ALTER DATABASE %I OWNER TO %I, or GRANT %I TO %I', d.datname, current_user,
                         pg_catalog.pg_get_userbyid(d.datdba), current_user)
  FROM pg_catalog.pg_database d
 WHERE d.datname = $1 AND NOT pg_catalog.pg_has_role(d.datdba, 'USAGE')
UNION ALL
SELECT 'warn', pg_catalog.format('role %I may end only its own sessions: those of other roles keep the gate from closing', r.rolname),
       pg_catalog.format('as a superuser: GRANT pg_signal_backend TO %I', r.rolname)
  FROM pg_catalog.pg_roles r
 WHERE r.rolname = current_user AND NOT r.rolsuper AND NOT pg_catalog.pg_has_role('pg_signal_backend', 'USAGE')
-- query: doctor_database_rights
SELECT 'refuse', pg_catalog.format('role %I may not create the schema "belay", which records what was applied', current_user),
       pg_catalog.format('as the database''s owner: GRANT CREATE ON DATABASE %I TO %I', pg_catalog.current_database(), current_user)
 WHERE pg_catalog.to_regnamespace('belay') IS NULL
   AND NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
UNION ALL
SELECT 'refuse', pg_catalog.format('role %I may not create tables in schema %I', current_user, n.nspname),
       pg_catalog.format('as the schema''s owner: GRANT USAGE, CREATE ON SCHEMA %I TO %I', n.nspname, current_user)
  FROM pg_catalog.pg_namespace n
 WHERE n.nspname = coalesce($1, pg_catalog.current_schema()) AND NOT pg_catalog.has_schema_privilege(n.oid, 'CREATE')
UNION ALL
SELECT 'refuse', CASE WHEN $1 IS NULL THEN pg_catalog.format('no schema of the search_path (%s) can be used by role %I',
                                                            pg_catalog.current_setting('search_path'), current_user)
                      ELSE pg_catalog.format('schema %I does not exist', $1) END,
       CASE WHEN $1 IS NULL THEN pg_catalog.format('GRANT USAGE, CREATE ON SCHEMA public TO %I, or ALTER ROLE %I SET search_path = ...',
                                                   current_user, current_user)
            ELSE 'create it, or change version_table_schema of the target' END
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = coalesce($1, pg_catalog.current_schema()))
-- query: doctor_records
WITH records AS (
  SELECT pg_catalog.to_regclass($1)::oid AS oid
  UNION
  SELECT c.oid FROM pg_catalog.pg_class c
   WHERE c.relnamespace = pg_catalog.to_regnamespace('belay') AND c.relkind = 'r')
SELECT 'refuse', pg_catalog.format('role %I may not read and write what records the revisions: %s', current_user,
                                   pg_catalog.string_agg(oid::pg_catalog.regclass::text, ', ' ORDER BY oid)),
       pg_catalog.format('as their owner: GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I',
                         pg_catalog.string_agg(oid::pg_catalog.regclass::text, ', ' ORDER BY oid), current_user)
  FROM records
 WHERE oid IS NOT NULL
   AND NOT (pg_catalog.has_table_privilege(oid, 'SELECT') AND pg_catalog.has_table_privilege(oid, 'INSERT')
        AND pg_catalog.has_table_privilege(oid, 'UPDATE') AND pg_catalog.has_table_privilege(oid, 'DELETE'))
HAVING pg_catalog.count(*) > 0
UNION ALL
SELECT 'refuse', pg_catalog.format('role %I may not use the schema belay, which records what was applied', current_user),
       pg_catalog.format('as its owner: GRANT USAGE, CREATE ON SCHEMA belay TO %I', current_user)
  FROM pg_catalog.pg_namespace n WHERE n.nspname = 'belay' AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
-- query: doctor_tables
SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'belay')
   AND n.nspname !~ '^pg_'
