What follows the database $1. How far initial copies are is only to be seen from inside of it: elsewhere none is counted, and
a restore, which is asked from the maintenance database, moves no subscription.

-- query: subscriptions
SELECT s.subname, pg_catalog.pg_has_role(s.subowner, 'USAGE'),
       (SELECT count(*) FROM pg_catalog.pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r'),
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user), current_user
  FROM pg_catalog.pg_subscription s
 WHERE s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = $1) ORDER BY 1
-- query: slots
SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE database = $1 ORDER BY 1
