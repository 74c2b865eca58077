Queries about hot standbys. A walsender that serves a logical slot is a subscriber, one without replay_lsn a receiver of WAL;
to a role that may not see more, each is a name only.

-- query: standbys
SELECT format('%s (%s)', coalesce(nullif(r.application_name, ''), 'without a name'), coalesce(host(r.client_addr), 'on a unix socket')),
       host(r.client_addr)
  FROM pg_catalog.pg_stat_replication r
 WHERE r.pid NOT IN (SELECT active_pid FROM pg_catalog.pg_replication_slots
                      WHERE slot_type = 'logical' AND active_pid IS NOT NULL)
   AND r.state IS DISTINCT FROM 'backup'
   AND (r.replay_lsn IS NOT NULL OR r.state IS NULL OR r.state IN ('startup', 'catchup'))
 ORDER BY 1
-- query: position
SELECT pg_catalog.pg_current_wal_lsn()
-- query: server
SELECT system_identifier FROM pg_catalog.pg_control_system()
-- query: is_standby_of
SELECT pg_catalog.pg_is_in_recovery()
   AND (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) = $1
-- query: standby_sweep
SELECT coalesce(pg_catalog.pg_last_wal_replay_lsn() >= $1::pg_lsn, false),
       (SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
         WHERE datid = $2::oid AND pid <> pg_catalog.pg_backend_pid())
