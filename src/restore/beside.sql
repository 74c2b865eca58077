Queries of a restore beside the living tables: all names are qualified, the search_path is empty.

-- query: beside_taken
SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, c.relname), ', ' ORDER BY c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname IN (SELECT pg_catalog.json_array_elements_text($2::json))

-- query: beside_schema
SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1

-- query: beside_published
SELECT pg_catalog.string_agg(DISTINCT p.pubname, ', ')
FROM pg_catalog.pg_publication_tables p
WHERE p.schemaname = $1 AND p.tablename IN (SELECT pg_catalog.json_array_elements_text($2::json))

-- query: beside_free_names
-- What a table brings along gets another name where its own is taken in the schema that the table goes to.
SELECT pg_catalog.string_agg(pg_catalog.format('ALTER %s %I.%I RENAME TO %I;', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'INDEX' END,
        n.nspname, c.relname, pg_catalog.left(c.relname, 54) || '_' || $3), E'\n')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('i', 'S')
    AND EXISTS (SELECT FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
        WHERE tn.nspname = $2 AND t.relname = c.relname)
