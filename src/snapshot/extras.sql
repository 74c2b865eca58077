What a snapshot holds besides tables and DDL.

-- query: extras_header
SELECT pg_catalog.json_build_object(
    'server_version_text', pg_catalog.version(),
    'system_identifier', (SELECT s.system_identifier::text FROM pg_catalog.pg_control_system() s),
    'timeline', (SELECT c.timeline_id FROM pg_catalog.pg_control_checkpoint() c),
    'extensions', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
            'name', x.extname, 'version', x.extversion, 'schema', n.nspname) ORDER BY x.oid), '[]')
        FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
        WHERE x.oid >= 16384))

-- query: extras_strings_off
SELECT s.reset_val = 'off' FROM pg_catalog.pg_settings s WHERE s.name = 'standard_conforming_strings'

-- query: extras_roles
WITH RECURSIVE here AS (
    SELECT d.oid, d.datdba FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
), named(oid) AS (
    SELECT oid FROM (
        SELECT s.refobjid FROM pg_catalog.pg_shdepend s, here
        WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND (s.dbid = here.oid
            OR (s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND s.objid = here.oid))
        UNION ALL SELECT s.setrole FROM pg_catalog.pg_db_role_setting s, here WHERE s.setdatabase = here.oid
        UNION ALL SELECT here.datdba FROM here
        UNION ALL SELECT 10 -- nothing says what the bootstrap superuser owns
    ) direct(oid)
    UNION
    SELECT m.roleid FROM named n JOIN pg_catalog.pg_auth_members m ON m.member = n.oid
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', r.rolname, 'superuser', r.rolsuper, 'inherit', r.rolinherit,
    'createrole', r.rolcreaterole, 'createdb', r.rolcreatedb, 'login', r.rolcanlogin, 'replication', r.rolreplication,
    'bypassrls', r.rolbypassrls, 'connection_limit', r.rolconnlimit, 'valid_until', r.rolvaliduntil,
    'settings', (SELECT coalesce(pg_catalog.json_agg(v ORDER BY v COLLATE "C"), '[]')
        FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) v WHERE s.setrole = r.oid AND s.setdatabase = 0),
    'member_of', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('role', p.rolname, 'admin', m.admin_option,
            'inherit', (pg_catalog.to_jsonb(m) -> 'inherit_option'), 'set', (pg_catalog.to_jsonb(m) -> 'set_option')) ORDER BY p.rolname), '[]')
        FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles p ON p.oid = m.roleid WHERE m.member = r.oid)) ORDER BY r.rolname), '[]')
FROM pg_catalog.pg_roles r WHERE r.oid IN (SELECT oid FROM named) AND r.rolname !~ '^pg_'

-- query: extras_relation_name
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass($1)

-- query: extras_sequences
SELECT n.nspname, c.relname, c.oid,
    pg_catalog.hashtextextended(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 0)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0
            AND d.deptype = 'e'
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension x WHERE x.oid = d.refobjid AND c.oid = ANY (x.extconfig)))
ORDER BY c.oid

-- query: extras_moved_sequence
-- Of sequences ($1: oids, $2: hashes of their names) the place of the first that has another name by now, or none.
SELECT was.place - 1
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::bigint[])) WITH ORDINALITY AS was(oid, name, place)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = was.oid
        AND pg_catalog.hashtextextended(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), 0) = was.name)
ORDER BY was.place LIMIT 1

-- query: extras_closed_public
-- Its owner, where PUBLIC may not create in schema public of a server whose template lets PUBLIC do so.
SELECT pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace n
WHERE n.nspname = 'public' AND pg_catalog.current_setting('server_version_num')::int < 150000
    AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) x
        WHERE x.grantee = 0 AND x.privilege_type = 'CREATE')

-- query: extras_large_objects
SELECT m.oid, pg_catalog.pg_relation_size('pg_catalog.pg_largeobject'::pg_catalog.regclass)
FROM pg_catalog.pg_largeobject_metadata m ORDER BY 1

-- query: extras_large_object_ddl
WITH lo AS (
    SELECT m.oid, pg_catalog.pg_get_userbyid(m.lomowner) AS owner, m.lomowner, m.lomacl
    FROM pg_catalog.pg_largeobject_metadata m
), granted AS (
    SELECT lo.oid, min(x.nr) AS nr, CASE WHEN x.grantor <> lo.lomowner THEN pg_catalog.pg_get_userbyid(x.grantor) END AS grantor,
           CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS grantee,
           x.is_grantable, pg_catalog.string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) AS privileges
    FROM lo, pg_catalog.aclexplode(lo.lomacl) WITH ORDINALITY x (grantor, grantee, privilege_type, is_grantable, nr)
    GROUP BY lo.oid, lo.lomowner, x.grantor, x.grantee, x.is_grantable
)
SELECT type, name, owner, text FROM (
    SELECT 1 AS part, oid, 'BLOB' AS type, oid::text AS name, owner,
           pg_catalog.format(E'SELECT pg_catalog.lo_create(''%s'');\nALTER LARGE OBJECT %s OWNER TO %I;\n\n', oid, oid, owner) AS text
    FROM lo
    UNION ALL
    SELECT 2, oid, 'COMMENT', 'LARGE OBJECT ' || oid, owner,
           pg_catalog.format(E'COMMENT ON LARGE OBJECT %s IS %L;\n\n', oid, pg_catalog.obj_description(oid, 'pg_largeobject'))
    FROM lo WHERE pg_catalog.obj_description(oid, 'pg_largeobject') IS NOT NULL
    UNION ALL
    SELECT 3, lo.oid, 'SECURITY LABEL', 'LARGE OBJECT ' || lo.oid, owner,
           pg_catalog.format(E'SECURITY LABEL FOR %I ON LARGE OBJECT %s IS %L;\n\n', l.provider, lo.oid, l.label)
    FROM lo JOIN pg_catalog.pg_seclabel l
      ON l.objoid = lo.oid AND l.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
    UNION ALL
    SELECT 4, oid, 'ACL', 'LARGE OBJECT ' || oid, owner,
           pg_catalog.format(E'REVOKE ALL ON LARGE OBJECT %s FROM PUBLIC;\nREVOKE ALL ON LARGE OBJECT %s FROM %I;\n', oid, oid, owner)
           || coalesce((SELECT pg_catalog.string_agg(
                  CASE WHEN g.grantor IS NOT NULL THEN pg_catalog.format(E'SET SESSION AUTHORIZATION %I;\n', g.grantor) ELSE '' END
                  || pg_catalog.format('GRANT %s ON LARGE OBJECT %s TO %s', g.privileges, lo.oid, g.grantee)
                  || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END || E';\n'
                  || CASE WHEN g.grantor IS NOT NULL THEN E'RESET SESSION AUTHORIZATION;\n' ELSE '' END, '' ORDER BY g.nr)
              FROM granted g WHERE g.oid = lo.oid), '') || E'\n'
    FROM lo WHERE lomacl IS NOT NULL
) e ORDER BY oid, part

-- query: extras_statistics
-- A line of JSON for each table that was ever analyzed, then one for each of its columns, and of its indexes' expressions.
-- Control characters are escaped in JSON, so that nothing is quoted here. What older servers do not show comes from "older".
COPY (
    SELECT pg_catalog.json_strip_nulls(pg_catalog.row_to_json(l)) FROM (
        SELECT n.nspname AS schema, c.relname AS "table", t.pages, t.rows, t.all_visible, t.all_frozen
        FROM (SELECT NULL::integer AS relallfrozen) older
        CROSS JOIN LATERAL (SELECT oid, relpages AS pages, reltuples AS rows, relallvisible AS all_visible, relallfrozen AS all_frozen
            FROM pg_catalog.pg_class) t
        JOIN pg_catalog.pg_class c ON c.oid = t.oid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND c.reltuples >= 0
            AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema') l
    UNION ALL
    SELECT pg_catalog.json_strip_nulls(pg_catalog.row_to_json(l)) FROM (
        SELECT n.nspname AS schema, coalesce(t.relname, c.relname) AS "table",
            CASE WHEN i.indexrelid IS NULL THEN s.attname END AS "column",
            CASE WHEN i.indexrelid IS NOT NULL THEN c.relname END AS index,
            CASE WHEN i.indexrelid IS NOT NULL THEN a.attnum END AS position,
            s.inherited, s.null_frac, s.avg_width, s.n_distinct,
            s.most_common_vals::text, s.most_common_freqs::text, s.histogram_bounds::text, s.correlation,
            s.most_common_elems::text, s.most_common_elem_freqs::text, s.elem_count_histogram::text,
            s.range_length_histogram, s.range_empty_frac, s.range_bounds_histogram
        FROM (SELECT NULL::text AS range_length_histogram, NULL::real AS range_empty_frac, NULL::text AS range_bounds_histogram) older
        CROSS JOIN LATERAL (SELECT schemaname, tablename, attname, inherited, null_frac, avg_width, n_distinct,
                most_common_vals, most_common_freqs, histogram_bounds, correlation,
                most_common_elems, most_common_elem_freqs, elem_count_histogram,
                range_length_histogram::text, range_empty_frac, range_bounds_histogram::text
            FROM pg_catalog.pg_stats) s
        JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname
        JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
        LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
        LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
        WHERE coalesce(t.relkind, c.relkind) IN ('r', 'p') AND c.relpersistence <> 't'
            AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema') l
) TO STDOUT (FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01', ENCODING 'UTF8')
