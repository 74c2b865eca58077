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

-- query: beside_witness
SELECT pg_catalog.to_regclass($1)::pg_catalog.oid

-- query: beside_is_there
SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid)

-- query: beside_free_names
-- What a table brings along gets another name where its own is taken in the schema $2 that the table goes to; statistics
-- objects, which do not follow their table, go there first. $3 is new with each run; a name has 63 bytes.
WITH brought(kind, schema, name, taken) AS (
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'INDEX' END, n.nspname, c.relname,
        EXISTS (SELECT FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
            WHERE tn.nspname = $2 AND t.relname = c.relname)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind IN ('i', 'S')
    UNION ALL
    SELECT 'STATISTICS', n.nspname, s.stxname,
        EXISTS (SELECT FROM pg_catalog.pg_statistic_ext t JOIN pg_catalog.pg_namespace tn ON tn.oid = t.stxnamespace
            WHERE tn.nspname = $2 AND t.stxname = s.stxname)
    FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    WHERE n.nspname = $1
), renamed AS (
    SELECT *, CASE WHEN pg_catalog.octet_length(name::text) > 56 THEN pg_catalog.left(name::text, 14) ELSE name::text END || '_' || $3 AS other
    FROM brought
)
SELECT pg_catalog.string_agg(
    CASE WHEN taken THEN pg_catalog.format('ALTER %s %I.%I RENAME TO %I;', kind, schema, name, other) ELSE '' END
    || CASE WHEN kind = 'STATISTICS' THEN pg_catalog.format('ALTER STATISTICS %I.%I SET SCHEMA %I;', schema,
            CASE WHEN taken THEN other ELSE name END, $2) ELSE '' END, '')
FROM renamed
