A database and its twin: equal catalogues give equal lists in equal order.

-- query: twin_tables
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), c.oid,
       pg_catalog.pg_table_size(c.oid), a.amname = 'heap'
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
 WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND c.relispopulated
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'belay')
 ORDER BY c.oid

-- query: twin_sequences
SELECT pg_catalog.quote_ident(schemaname) || '.' || pg_catalog.quote_ident(sequencename), increment_by > 0, last_value
  FROM pg_catalog.pg_sequences
 WHERE schemaname <> 'belay'
 ORDER BY 1

-- query: twin_large_objects
SELECT m.oid, pg_catalog.lo_get(m.oid) FROM pg_catalog.pg_largeobject_metadata m
