Queries of the gate, all from the maintenance database.

A session can be ended by a superuser, by a role that has the privileges of the session's role, or by one that
has those of pg_signal_backend; superusers' sessions by superusers only. Rows without usesysid are the server's own
(autovacuum): the rename ends those itself.

-- query: database_by_name
SELECT oid FROM pg_catalog.pg_database WHERE datname = $1
-- query: database_by_oid
SELECT datname, pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE oid = $1::oid
-- query: comment_by_name
SELECT oid, pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname = $1
-- query: is_template
SELECT datistemplate FROM pg_catalog.pg_database WHERE datname = $1
-- query: prepared
SELECT string_agg(format('%L (of %s, since %s)', gid, owner, prepared::timestamp(0)), ', ' ORDER BY prepared)
  FROM pg_catalog.pg_prepared_xacts x JOIN pg_catalog.pg_database d ON d.datname = x.database
 WHERE d.oid = ANY ($1::oid[])
-- query: end_sessions
WITH s AS MATERIALIZED (
  SELECT a.pid, a.usename, a.application_name,
         (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
         OR (NOT r.rolsuper AND (pg_catalog.pg_has_role(r.oid, 'USAGE')
                                 OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'))) AS mine
    FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
   WHERE a.datid = ANY ($1::oid[]) AND a.pid <> pg_catalog.pg_backend_pid())
SELECT count(*),
       count(CASE WHEN mine THEN pg_catalog.pg_terminate_backend(pid) END),
       string_agg(format('process %s of %s (%s)', pid, usename, coalesce(nullif(application_name, ''), 'no name')), ', ')
         FILTER (WHERE NOT mine)
  FROM s
-- query: end_run
WITH s AS MATERIALIZED (
  SELECT a.pid, coalesce(a.usename, '?') AS usename, a.application_name,
         (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
         OR (NOT r.rolsuper AND (pg_catalog.pg_has_role(r.oid, 'USAGE')
                                 OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'))) AS mine
    FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
   WHERE (pg_catalog.starts_with(a.application_name, $1)
          OR pg_catalog.starts_with(a.application_name, 'belay ' || $1))
     AND a.pid <> ALL ($2::int[]))
SELECT count(*),
       count(CASE WHEN mine THEN pg_catalog.pg_terminate_backend(pid) END),
       string_agg(format('process %s of %s (%s)', pid, usename, application_name), ', ') FILTER (WHERE NOT mine)
  FROM s
-- query: end_orphans
WITH s AS MATERIALIZED (
  SELECT a.pid FROM pg_catalog.pg_stat_activity a
   WHERE a.datname = $1 AND a.application_name = $2 AND a.pid <> pg_catalog.pg_backend_pid())
SELECT count(*), count(pg_catalog.pg_terminate_backend(pid)), NULL FROM s
-- query: end_one
WITH s AS MATERIALIZED (
  SELECT a.pid, coalesce(a.usename, '?') AS usename, a.application_name
    FROM pg_catalog.pg_stat_activity a WHERE a.pid = $1::int AND a.backend_start = $2::timestamptz)
SELECT count(*), count(pg_catalog.pg_terminate_backend(pid)), NULL FROM s
-- query: find
SELECT oid, datname, pg_catalog.shobj_description(oid, 'pg_database'),
       CASE WHEN pg_catalog.has_database_privilege(oid, 'CONNECT')
              OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
            THEN pg_catalog.pg_database_size(oid) END
  FROM pg_catalog.pg_database
 WHERE pg_catalog.strpos(datname, '__belay_') > 0
    OR pg_catalog.strpos(pg_catalog.shobj_description(oid, 'pg_database'), 'belay: {') > 0
 ORDER BY datname
