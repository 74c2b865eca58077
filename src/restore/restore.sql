Queries of the restore: all names are qualified, the search_path is empty.

-- query: all_roles
SELECT rolname FROM pg_catalog.pg_roles

-- query: lock_slots
SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint
    * (pg_catalog.current_setting('max_connections')::bigint
        + pg_catalog.current_setting('max_prepared_transactions')::bigint)

-- query: session_settings
SET check_function_bodies = off;
SET client_min_messages = warning;
SET row_security = off;
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET synchronous_commit = off

-- query: missing_extensions
SELECT want.name, want.version,
    (SELECT pg_catalog.string_agg(v.version, ', ' ORDER BY v.version)
     FROM pg_catalog.pg_available_extension_versions v WHERE v.name = want.name) AS offered
FROM pg_catalog.json_to_recordset($1::json) AS want(name text, version text)
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_available_extension_versions v
    WHERE v.name = want.name AND v.version = want.version)
ORDER BY want.name

-- query: database_encoding
SELECT pg_catalog.getdatabaseencoding()

-- query: set_sequence
SELECT pg_catalog.setval($1::pg_catalog.regclass, $2::bigint, $3::boolean)

-- query: create_large_objects
SELECT pg_catalog.count(pg_catalog.lo_create(want.oid))
FROM pg_catalog.unnest($1::pg_catalog.oid[]) want(oid)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata m WHERE m.oid = want.oid)

-- query: put_large_object
SELECT pg_catalog.lo_put($1::pg_catalog.oid, $2::bigint, $3::bytea)

-- query: put_large_objects
SELECT pg_catalog.count(pg_catalog.lo_put(o.oid, 0, o.bytes))
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::bytea[])) o(oid, bytes)

-- query: differing_large_objects
SELECT o.oid, m.oid IS NULL
FROM (SELECT nr, (part ->> 0)::pg_catalog.oid AS oid, (part ->> 1)::bigint AS at, (part ->> 2)::integer AS length, part ->> 3 AS hash
    FROM pg_catalog.json_array_elements($1::json) WITH ORDINALITY p(part, nr)) o
LEFT JOIN pg_catalog.pg_largeobject_metadata m ON m.oid = o.oid
WHERE CASE WHEN m.oid IS NULL THEN true
    ELSE pg_catalog.encode(pg_catalog.sha256(pg_catalog.lo_get(o.oid, o.at, o.length)), 'hex') <> o.hash END
ORDER BY o.nr

-- query: count_large_objects
SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata

-- query: sequence_direction
SELECT q.seqincrement > 0 FROM pg_catalog.pg_sequence q WHERE q.seqrelid = pg_catalog.to_regclass($1)

-- query: foreign_keys
SELECT n.nspname, c.relname || ' ' || k.conname, k.convalidated,
    pg_catalog.replace(pg_catalog.replace(
        pg_catalog.format('constraint %I.%I %I ', n.nspname, c.relname, k.conname), E'\\', E'\\\\'), E'\n', E'\\n')
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0

-- query: empty_views
SELECT n.nspname, c.relname,
    pg_catalog.replace(pg_catalog.replace(
        pg_catalog.format('materialized view %I.%I ', n.nspname, c.relname), E'\\', E'\\\\'), E'\n', E'\\n')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND NOT c.relispopulated

-- query: run_lives
SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pg_catalog.strpos(application_name, $1) > 0)

-- query: policies
SELECT n.nspname, c.relname || ' ' || p.polname,
    pg_catalog.replace(pg_catalog.replace(
        pg_catalog.format('policy %I.%I %I ', n.nspname, c.relname, p.polname), E'\\', E'\\\\'), E'\n', E'\\n')
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace

-- query: quoted_names
SELECT pg_catalog.string_agg(q.name, ',' ORDER BY q.name COLLATE "C")
FROM (SELECT pg_catalog.quote_ident(n) AS name FROM pg_catalog.json_array_elements_text($1::json) n) q

-- query: is_superuser
SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user

-- query: may_subscribe
SELECT r.rolsuper OR EXISTS (SELECT FROM pg_catalog.pg_roles p
    WHERE p.rolname = 'pg_create_subscription' AND pg_catalog.pg_has_role(p.oid, 'USAGE'))
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user

-- query: subscriptions_here
SELECT s.subname, coalesce(s.subslotname, '') FROM pg_catalog.pg_subscription s
JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = pg_catalog.current_database()

-- query: untrusted_extensions
SELECT v.name FROM pg_catalog.json_to_recordset($1::json) AS want(name text, version text)
JOIN pg_catalog.pg_available_extension_versions v ON v.name = want.name AND v.version = want.version
WHERE v.superuser AND NOT v.trusted AND v.name <> 'plpgsql'
ORDER BY v.name

-- query: foreign_owners
SELECT pg_catalog.string_agg(r.rolname, ', ' ORDER BY r.rolname)
FROM pg_catalog.json_array_elements_text($1::json) AS want(name)
JOIN pg_catalog.pg_roles r ON r.rolname = want.name
WHERE NOT pg_catalog.pg_has_role(r.oid, 'MEMBER')

-- query: tablespace_faults
SELECT pg_catalog.string_agg(want.name || CASE WHEN t.oid IS NULL THEN ' (the server has none of that name)'
        ELSE ' (this role may not create anything there)' END, ', ' ORDER BY want.name)
FROM pg_catalog.json_array_elements_text($1::json) AS want(name)
LEFT JOIN pg_catalog.pg_tablespace t ON t.spcname = want.name
WHERE t.oid IS NULL OR NOT pg_catalog.has_tablespace_privilege(t.oid, 'CREATE')

-- query: missing_create
SELECT pg_catalog.format('GRANT CREATE ON %s TO %I', place, rolname), pg_catalog.format('REVOKE CREATE ON %s FROM %I', place, rolname)
FROM (
    SELECT DISTINCT pg_catalog.format('SCHEMA %I', n.nspname) AS place, r.rolname
    FROM pg_catalog.json_to_recordset($1::json) AS want(schema text, owner text)
    JOIN pg_catalog.pg_roles r ON r.rolname = want.owner
    JOIN pg_catalog.pg_namespace n ON n.nspname = want.schema
    WHERE NOT pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE')
    UNION
    SELECT pg_catalog.format('DATABASE %I', pg_catalog.current_database()), r.rolname
    FROM pg_catalog.json_to_recordset($1::json) AS want(schema text, owner text)
    JOIN pg_catalog.pg_roles r ON r.rolname = want.owner
    WHERE want.schema = '' AND NOT pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CREATE')) missing
WHERE NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)

-- query: schema_exists
SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = $1

-- query: relations
-- The last column is the longest way along foreign keys from an extension's table. In a circle it ends somewhere.
WITH RECURSIVE keys AS (
    SELECT k.conrelid, k.confrelid FROM pg_catalog.pg_constraint k
    WHERE k.contype = 'f' AND k.conrelid <> k.confrelid AND EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = k.conrelid AND d.deptype = 'e')
), ways AS (
    SELECT conrelid, confrelid, 1 AS steps FROM keys
    UNION
    SELECT w.conrelid, k.confrelid, w.steps + 1 FROM ways w JOIN keys k ON k.conrelid = w.confrelid WHERE w.steps < 30
)
SELECT n.nspname, c.relname, c.oid, c.relkind, c.relpersistence = 'u', a.amname = 'heap', c.relispartition,
    EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'),
    (SELECT coalesce(max(steps), 0) FROM ways WHERE conrelid = c.oid)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- query: unlogged_tables
-- The last column: rows that come now would meet keys, triggers, row security, or rows of an extension.
SELECT n.nspname, c.relname, c.relrowsecurity
    OR EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'u'

-- query: unlogged_relations
-- Does it have a page, which a crash would have taken?
SELECT n.nspname, c.relname, c.relkind = 'r' AND a.amname = 'heap' AND pg_catalog.pg_relation_size(c.oid) > 0
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
WHERE c.relkind IN ('r', 'S') AND c.relpersistence = 'u'

-- query: event_triggers
SELECT evtname FROM pg_catalog.pg_event_trigger

-- query: inheritance
SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits

-- query: export_snapshot
SELECT pg_catalog.pg_export_snapshot()

-- query: relation_pages
SELECT pg_catalog.pg_relation_size($1::pg_catalog.oid) / pg_catalog.current_setting('block_size')::bigint

-- query: without_pages
SELECT asked.oid::bigint FROM pg_catalog.unnest($1::pg_catalog.oid[]) WITH ORDINALITY AS asked(oid, place)
WHERE pg_catalog.pg_relation_size(asked.oid) = 0 ORDER BY asked.place

-- query: reacts_to_stamp
SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger)
    OR EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attname = 'version_num' AND NOT a.attisdropped
        AND (EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = a.attrelid)
            OR EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = a.attrelid)))

-- query: maintenance_budget
SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting('shared_buffers')) / 1024,
    pg_catalog.pg_size_bytes(pg_catalog.current_setting('maintenance_work_mem')) / 1024

-- query: blockers
-- Of others, where a session of the run ($1) waits for longer than a moment. Process 0: a prepared transaction.
SELECT DISTINCT ON (b.pid) b.pid, coalesce(o.usename, o.backend_type, '?'), coalesce(nullif(o.application_name, ''), 'no name'),
    coalesce(l.relation::pg_catalog.regclass::text, l.locktype),
    pg_catalog.left(pg_catalog.regexp_replace(coalesce(o.query, '?'), '\s+', ' ', 'g'), 200)
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) b(pid)
LEFT JOIN pg_catalog.pg_stat_activity o ON o.pid = b.pid
WHERE NOT l.granted AND a.application_name = $1 AND a.datname = pg_catalog.current_database()
    AND l.waitstart < pg_catalog.clock_timestamp() - interval '1 second' AND o.application_name IS DISTINCT FROM $1
ORDER BY b.pid

-- query: cancel_workers
SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database() AND application_name = $1 AND pid <> pg_catalog.pg_backend_pid()

-- query: import_statistics
-- $1: lines of the snapshot (docs/snapshot-format.md), $2: the version of its server, $3: the table. Its own line counts for a
-- partitioned table; another has the pages that it has now, $4 rows (NULL: as it is), and is all visible and frozen if $5.
WITH lines AS MATERIALIZED (
    SELECT * FROM pg_catalog.json_to_recordset($1::json) AS l(schema text, "table" text, "column" text, index text, position smallint,
        inherited boolean, null_frac real, avg_width integer, n_distinct real,
        most_common_vals text, most_common_freqs real[], histogram_bounds text, correlation real,
        most_common_elems text, most_common_elem_freqs real[], elem_count_histogram real[],
        range_length_histogram text, range_empty_frac real, range_bounds_histogram text, pages integer, rows real)
), columns AS MATERIALIZED (
    SELECT pg_catalog.bool_and(pg_catalog.pg_restore_attribute_stats('version', $2::integer,
        'schemaname', schema, 'relname', coalesce(index, "table"), 'attname', "column", 'attnum', position,
        'inherited', inherited, 'null_frac', null_frac, 'avg_width', avg_width, 'n_distinct', n_distinct,
        'most_common_vals', most_common_vals, 'most_common_freqs', most_common_freqs, 'histogram_bounds', histogram_bounds,
        'correlation', correlation, 'most_common_elems', most_common_elems, 'most_common_elem_freqs', most_common_elem_freqs,
        'elem_count_histogram', elem_count_histogram, 'range_length_histogram', range_length_histogram,
        'range_empty_frac', range_empty_frac, 'range_bounds_histogram', range_bounds_histogram)) AS taken
    FROM lines WHERE inherited IS NOT NULL
), sizes AS MATERIALIZED (
    SELECT n.nspname::text, c.relname::text, c.relkind = 'p' AS parent, l.pages, l.rows,
        (pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint)::integer AS pages_now
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN lines l ON l.inherited IS NULL
    WHERE c.oid = $3::oid
), whole AS MATERIALIZED (
    SELECT pg_catalog.bool_and(pg_catalog.pg_restore_relation_stats('version', $2::integer, 'schemaname', nspname, 'relname', relname,
        'relpages', CASE WHEN parent THEN pages ELSE pages_now END, 'reltuples', CASE WHEN parent THEN rows ELSE $4::real END,
        'relallvisible', CASE WHEN NOT parent AND $5::boolean THEN pages_now END,
        'relallfrozen', CASE WHEN NOT parent AND $5::boolean THEN pages_now END)) AS taken
    FROM sizes WHERE CASE WHEN parent THEN rows ELSE $4::real END IS NOT NULL
)
SELECT coalesce(columns.taken, true) AND coalesce(whole.taken, true) FROM columns, whole

-- query: without_statistics
-- Those of the tables for which ANALYZE would make more than there is: of a column, of an index's expression, of columns together.
WITH asked AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind, i.inherited
    FROM pg_catalog.unnest($1::oid[]) a(oid) JOIN pg_catalog.pg_class c ON c.oid = a.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN (VALUES (false), (true)) i(inherited)
    WHERE i.inherited = (c.relkind = 'p') OR (i.inherited AND EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid))
), wanted AS (
    SELECT asked.*, asked.relname AS owner, a.attname, a.atttypid FROM asked JOIN pg_catalog.pg_attribute a ON a.attrelid = asked.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v' AND a.attstattarget IS DISTINCT FROM 0
    UNION ALL
    SELECT asked.*, c.relname, a.attname, a.atttypid
    FROM asked JOIN pg_catalog.pg_index i ON i.indrelid = asked.oid JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indexrelid
    WHERE NOT asked.inherited AND i.indkey[a.attnum - 1] = 0 AND a.attstattarget IS DISTINCT FROM 0
)
SELECT w.oid FROM wanted w
LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = w.nspname AND s.tablename = w.owner AND s.attname = w.attname AND s.inherited = w.inherited
WHERE s.attname IS NULL OR (s.null_frac < 1 AND s.range_empty_frac IS NULL AND EXISTS (
    SELECT FROM pg_catalog.pg_type t WHERE t.oid = w.atttypid AND t.typtype IN ('r', 'm')))
UNION
SELECT asked.oid FROM asked JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = asked.oid WHERE x.stxstattarget IS DISTINCT FROM 0
