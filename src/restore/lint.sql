What may stand in a restore's way, asked of the snapshot's source: a row (verdict, message, hint) for each finding, none when
all is well. Asked under an empty search_path, so that names come out with their schema.

-- query: lint_functions
WITH RECURSIVE needed(class, object, what) AS (
    -- what a restore computes anew ...
    SELECT 'pg_class'::regclass::oid, i.indexrelid, format('index %s', i.indexrelid::regclass)
      FROM pg_index i WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid,
           CASE WHEN k.contypid = 0 THEN format('check %I of table %s', k.conname, k.conrelid::regclass)
                ELSE format('check %I of domain %s', k.conname, k.contypid::regtype) END
      FROM pg_constraint k WHERE k.contype = 'c'
    UNION ALL
    SELECT 'pg_attrdef'::regclass, d.oid, format('generated column %I of table %s', a.attname, a.attrelid::regclass)
      FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE a.attgenerated = 's'
    UNION ALL
    SELECT 'pg_class'::regclass, a.attrelid, format('generated column %I of table %s', a.attname, a.attrelid::regclass) -- PostgreSQL 14
      FROM pg_attribute a WHERE a.attgenerated = 's'
    UNION ALL
    SELECT 'pg_rewrite'::regclass, w.oid, format('materialized view %s', w.ev_class::regclass)
      FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class WHERE c.relkind = 'm'
    UNION
    -- ... and what that goes through: functions, operators, views
    SELECT CASE d.refclassid WHEN 'pg_class'::regclass THEN 'pg_rewrite'::regclass ELSE 'pg_proc'::regclass END,
           coalesce(w.oid, o.oprcode::oid, p.oid), n.what
      FROM needed n
      JOIN pg_depend d ON d.classid = n.class AND d.objid = n.object AND d.deptype IN ('n', 'i', 'a')
      LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
      LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
      LEFT JOIN (pg_rewrite w JOIN pg_class v ON v.oid = w.ev_class AND v.relkind = 'v')
             ON d.refclassid = 'pg_class'::regclass AND w.ev_class = d.refobjid AND n.class = 'pg_rewrite'::regclass
     WHERE coalesce(w.oid, o.oprcode::oid, p.oid) IS NOT NULL
), functions AS (
    SELECT p.oid, string_agg(DISTINCT n.what, ', ') AS whats,
           regexp_replace(regexp_replace(p.prosrc, '--[^\n]*', '', 'g'), '/\*.*?\*/', '', 'g') AS body
      FROM needed n JOIN pg_proc p ON n.class = 'pg_proc'::regclass AND p.oid = n.object JOIN pg_language l ON l.oid = p.prolang
     WHERE p.oid >= 16384 AND l.lanname NOT IN ('internal', 'c') AND p.prosqlbody IS NULL
       AND NOT EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s LIKE 'search\_path=%')
     GROUP BY p.oid
), names(space, name, pattern) AS (
    SELECT p.pronamespace, p.proname, '(^|[^\w.$"])' || p.proname || '\s*\('
      FROM pg_proc p WHERE NOT EXISTS (SELECT FROM pg_proc b WHERE b.pronamespace = 'pg_catalog'::regnamespace AND b.proname = p.proname)
    UNION
    SELECT c.relnamespace, c.relname, '\m(from|join|into|update|only)\s+' || c.relname || '\M(?!\s*[.(])'
      FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION
    SELECT t.typnamespace, t.typname, '(::\s*|\mas\s+)' || t.typname || '\M(?!\s*\.)'
      FROM pg_type t WHERE t.typtype IN ('b', 'd', 'e', 'r', 'm') AND t.typname !~ '^_'
)
SELECT 'warn', format('function %s, which %s needs, names %s without the schema', f.oid::regprocedure, f.whats,
         string_agg(DISTINCT n.name, ', ')),
       format('belay restores it under the search_path of the database; by hand, with pg_restore, or from PostgreSQL 17 on it fails: write %s in it, or ALTER FUNCTION %s SET search_path = %s',
         string_agg(DISTINCT format('%I.%I', s.nspname, n.name), ', '), f.oid::regprocedure, string_agg(DISTINCT quote_ident(s.nspname), ', '))
  FROM functions f
  JOIN names n ON n.name ~ '^[a-z_][a-z0-9_]*$' AND strpos(lower(f.body), n.name) > 0 AND f.body ~* n.pattern
  JOIN pg_namespace s ON s.oid = n.space AND s.nspname !~ '^(pg_|information_schema$)'
 GROUP BY f.oid, f.whats
 ORDER BY 2

-- query: lint_collations
SELECT 'warn', format('the library of collation %s is of version %s now, its indexes were built with %s: they may be corrupt',
         c.oid::regcollation, pg_collation_actual_version(c.oid), c.collversion),
       format('REINDEX what uses it, then ALTER COLLATION %s REFRESH VERSION', c.oid::regcollation)
  FROM pg_collation c
 WHERE c.collversion <> pg_collation_actual_version(c.oid)
   AND EXISTS (SELECT FROM pg_attribute a WHERE a.attcollation = c.oid AND a.attrelid >= 16384 AND NOT a.attisdropped)
 ORDER BY 2

-- query: lint_database_collation
SELECT 'warn', format('the library of the database''s collation is of version %s now, its indexes were built with %s: they may be corrupt',
         pg_database_collation_actual_version(oid), datcollversion),
       format('REINDEX DATABASE %I, then ALTER DATABASE %I REFRESH COLLATION VERSION', datname, datname)
  FROM pg_database
 WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid)

-- query: lint_suspects
-- Constraints that rows may violate: what it is called, why it is suspect, and a query that is true when one does (NULL where
-- none can be written without running the database's own functions). Partitions' copies are their parents'.
SELECT format('constraint %I of table %s', k.conname, k.conrelid::regclass),
       CASE WHEN k.convalidated THEN 'its triggers are disabled' ELSE 'it is NOT VALID' END,
       CASE WHEN k.contype = 'f' AND coalesce(to_jsonb(k) ->> 'conperiod', 'false') = 'false' THEN
         format('SELECT EXISTS (SELECT FROM %s%s c WHERE %s AND NOT EXISTS (SELECT FROM %s%s p WHERE %s))',
           CASE WHEN r.relkind = 'p' THEN '' ELSE 'ONLY ' END, k.conrelid::regclass,
           string_agg('c.' || quote_ident(a.attname) || ' IS NOT NULL', ' AND '),
           CASE WHEN t.relkind = 'p' THEN '' ELSE 'ONLY ' END, k.confrelid::regclass,
           string_agg(format('p.%s OPERATOR(%s.%s) c.%s', quote_ident(b.attname), quote_ident(s.nspname), o.oprname, quote_ident(a.attname)), ' AND '))
       WHEN k.contype = 'c' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
             AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)) THEN
         format('SELECT EXISTS (SELECT FROM ONLY %s WHERE NOT (%s))', k.conrelid::regclass, pg_get_expr(k.conbin, k.conrelid))
       END,
       k.contype = 'f' AND k.convalidated
  FROM pg_constraint k
  JOIN pg_class r ON r.oid = k.conrelid
  LEFT JOIN pg_class t ON t.oid = k.confrelid
  LEFT JOIN unnest(k.conkey, k.confkey, k.conpfeqop) AS key(mine, theirs, op) ON k.contype = 'f'
  LEFT JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.mine
  LEFT JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = key.theirs
  LEFT JOIN pg_operator o ON o.oid = key.op
  LEFT JOIN pg_namespace s ON s.oid = o.oprnamespace
 WHERE k.contype IN ('c', 'f') AND k.conparentid = 0 AND k.conrelid >= 16384
   AND (NOT k.convalidated OR EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgisinternal AND g.tgenabled <> 'O'))
 GROUP BY k.oid, k.conname, k.conrelid, k.confrelid, k.contype, k.convalidated, k.conbin, k.*, r.relkind, t.relkind
 ORDER BY 1

-- query: lint_event_triggers
SELECT 'warn', format('event trigger %I fires at each login, so at belay''s in a restored database too', evtname),
       format('see that %s fails in no database but knows its own by name', evtfoid::regprocedure)
  FROM pg_event_trigger WHERE evtevent = 'login' AND evtenabled IN ('O', 'A')
 ORDER BY 2

-- query: lint_begin
BEGIN READ ONLY;
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '3s'

-- query: lint_may_create
SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user

-- query: lint_server
-- All of the server that whether a schema can be restored may rest on, as one hash.
SELECT encode(sha256(convert_to(string_agg(line, E'\n' ORDER BY line COLLATE "C"), 'UTF8')), 'hex') FROM (
  SELECT format('version %s, user %s', current_setting('server_version_num'), current_user) AS line
  UNION ALL
  SELECT 'role ' || (to_jsonb(r) - 'rolvaliduntil')::text FROM pg_roles r
  UNION ALL
  SELECT 'member ' || to_jsonb(m)::text FROM pg_auth_members m
  UNION ALL
  SELECT 'of all databases ' || to_jsonb(s)::text FROM pg_db_role_setting s WHERE s.setdatabase = 0
  UNION ALL
  SELECT 'extension ' || to_jsonb(v)::text FROM pg_available_extension_versions v
  UNION ALL
  SELECT 'tablespace ' || to_jsonb(t)::text FROM pg_tablespace t
  UNION ALL
  SELECT 'template ' || jsonb_build_object('acl', d.datacl, 'allow', d.datallowconn, 'tablespace', d.dattablespace)::text
    FROM pg_database d WHERE d.datname = 'template0'
  UNION ALL
  SELECT 'setting ' || to_jsonb(s.name)::text || to_jsonb(s.setting)::text
    FROM pg_settings s WHERE s.source IN ('configuration file', 'command line', 'environment variable')) facts
