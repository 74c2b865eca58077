Queries about subscriptions and slots. %I and %L make statements that are run as they are; names of columns that only
some versions have are looked up in the row's JSON. `subscription` makes one under the name of a slot that does not exist
(move_subscription.c says why), and its last column gives it its slot.

-- query: enabled
SELECT subname FROM pg_catalog.pg_subscription
 WHERE subenabled AND subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
 ORDER BY subname
-- query: workers
SELECT count(*) FROM pg_catalog.pg_stat_activity
 WHERE datname = pg_catalog.current_database() AND backend_type LIKE 'logical replication%worker'
-- query: enable
SELECT format('ALTER SUBSCRIPTION %I ENABLE', subname) FROM pg_catalog.pg_subscription
 WHERE subname = $1 AND subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
-- query: names_of
SELECT subname FROM pg_catalog.pg_subscription
 WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = $1) ORDER BY subname
-- query: subscription
SELECT s.oid, s.subslotname, o.remote_lsn,
       format('CREATE SUBSCRIPTION %I CONNECTION %L PUBLICATION %s WITH (connect = false, slot_name = %s, binary = %s, streaming = %s, synchronous_commit = %L%s%s%s%s%s)',
              s.subname, s.subconninfo, (SELECT string_agg(quote_ident(p), ', ') FROM unnest(s.subpublications) p),
              CASE WHEN s.subslotname IS NULL THEN 'NONE' ELSE quote_literal('belay_moving_' || s.oid) END,
              j->>'subbinary', CASE j->>'substream' WHEN 'f' THEN 'false' WHEN 't' THEN 'true' WHEN 'p' THEN 'parallel' ELSE j->>'substream' END,
              j->>'subsynccommit',
              CASE WHEN j->>'subtwophasestate' <> 'd' THEN ', two_phase = true' END,
              ', origin = ' || quote_literal(j->>'suborigin'), ', password_required = ' || (j->>'subpasswordrequired'),
              ', run_as_owner = ' || (j->>'subrunasowner'), ', failover = ' || (j->>'subfailover')),
       format('ALTER SUBSCRIPTION %I OWNER TO %I', s.subname, pg_catalog.pg_get_userbyid(s.subowner)),
       format('ALTER SUBSCRIPTION %I SET (slot_name = %L%s)', s.subname, s.subslotname,
              ', disable_on_error = ' || (j->>'subdisableonerr'))
  FROM (SELECT *, to_jsonb(r) AS j FROM pg_catalog.pg_subscription r) s
  LEFT JOIN pg_catalog.pg_replication_origin_status o ON o.external_id = 'pg_' || s.oid
 WHERE s.subname = $2 AND s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = $1)
-- query: slot_of
SELECT coalesce(subslotname, ''), oid FROM pg_catalog.pg_subscription
 WHERE subname = $1 AND subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
-- query: has_tables
SELECT count(*) > 0 FROM pg_catalog.pg_subscription_rel r JOIN pg_catalog.pg_subscription s ON s.oid = r.srsubid
 WHERE s.subname = $1 AND s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
-- query: sharers
SELECT d.datname, s.subname, d.datallowconn
  FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
 WHERE s.subslotname = $1 AND d.datname <> $2 ORDER BY 1, 2
-- query: advance
SELECT pg_catalog.pg_replication_origin_advance('pg_' || $1, $2::pg_lsn)
-- query: create_by_hand
SELECT format('CREATE SUBSCRIPTION %I CONNECTION ''...'' PUBLICATION %s WITH (slot_name = %s, create_slot = false)',
              s.subname, (SELECT string_agg(quote_ident(p), ', ') FROM unnest(s.subpublications) p),
              coalesce(quote_literal(s.subslotname), 'NONE'))
  FROM pg_catalog.pg_subscription s
 WHERE s.subname = $2 AND s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = $1)
-- query: slots_of
SELECT slot_name, format('SELECT pg_create_logical_replication_slot(%L, %L, false%s)', slot_name, plugin,
              CASE WHEN (j->>'two_phase')::boolean THEN ', true' ELSE '' END || CASE WHEN (j->>'failover')::boolean THEN ', failover => true' ELSE '' END),
       coalesce(confirmed_flush_lsn::text, 'unknown')
  FROM (SELECT *, to_jsonb(r) AS j FROM pg_catalog.pg_replication_slots r) s
 WHERE database = $1 AND NOT temporary ORDER BY 1
-- query: drop_slot
SELECT pg_catalog.pg_drop_replication_slot($1)
