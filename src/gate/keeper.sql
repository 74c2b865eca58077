Queries of the keeper: the run's lock and who holds it.

-- query: keeper_settings
SET idle_in_transaction_session_timeout = 0;
SET idle_session_timeout = 0;
-- query: try_lock
SELECT pg_catalog.pg_try_advisory_lock($1::bigint)
-- query: give_lock_up
SELECT pg_catalog.pg_advisory_unlock_all()
-- query: holder
SELECT a.pid,
       coalesce(nullif(a.application_name, ''), 'a session without name'),
       coalesce(pg_catalog.host(a.client_addr), 'the local socket'),
       extract(epoch FROM pg_catalog.now() - coalesce(a.backend_start,
         -- hidden from roles without pg_read_all_stats: the run id begins with the time
         pg_catalog.to_timestamp(pg_catalog.substring(a.application_name, '[0-9]{8}T[0-9]{6}'),
                                 'YYYYMMDD"T"HH24MISS')))::bigint,
       coalesce(a.usename, 'an unknown role')
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
   AND (l.classid::bigint << 32) | l.objid::bigint = $1::bigint
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
-- query: backend_gone
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1::int
    AND application_name = pg_catalog.current_setting('application_name') AND pid <> pg_catalog.pg_backend_pid())
-- query: end_backend
SELECT pg_catalog.pg_terminate_backend(pid)
  FROM pg_catalog.pg_stat_activity WHERE pid = $1::int
    AND application_name = pg_catalog.current_setting('application_name') AND pid <> pg_catalog.pg_backend_pid()
