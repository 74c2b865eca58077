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

-- query: extras_relation_name
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass($1)

-- query: extras_sequences
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0
            AND d.deptype = 'e'
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension x WHERE x.oid = d.refobjid AND c.oid = ANY (x.extconfig)))
ORDER BY c.oid

-- query: extras_large_objects
SELECT m.oid FROM pg_catalog.pg_largeobject_metadata m ORDER BY 1
