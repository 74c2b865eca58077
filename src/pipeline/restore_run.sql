Queries of the manual restore.

-- query: followers
SELECT string_agg(what, ', ')
  FROM (SELECT 'logical replication slot ' || slot_name AS what FROM pg_catalog.pg_replication_slots WHERE database = $1
         UNION ALL
        SELECT 'subscription ' || subname FROM pg_catalog.pg_subscription
         WHERE subenabled AND subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = $1)) f
