Queries of verify.c.

-- query: unfinished
SELECT 'index' AS kind, format('%I.%I', n.nspname, c.relname) AS name, format('%I.%I', tn.nspname, t.relname) AS holder
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
 WHERE NOT i.indisvalid AND c.relpersistence <> 't'
UNION ALL
SELECT 'constraint', format('%I.%I.%I', n.nspname, t.relname, c.conname), format('%I.%I', n.nspname, t.relname)
  FROM pg_catalog.pg_constraint c
  JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
  -- Constraints that are not enforced (PostgreSQL 18) are never validated; older catalogues lack the column.
 WHERE NOT c.convalidated AND coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)
 ORDER BY 1, 2
