-- Lines of the canonical description. Every query gets the common table expressions of "schema_prefix" in front.
-- The column option pg_attver is the server's own bookkeeping (seen in 15.20; every column has one, and it changes with a
-- restore); pg_dump leaves it out too. Columns that only some versions' catalogs have are taken through the row's JSON
-- form, where a missing one is NULL.

-- query: schema_pin
SELECT pg_catalog.current_setting('search_path'), pg_catalog.current_setting('DateStyle'),
       pg_catalog.current_setting('IntervalStyle'), pg_catalog.current_setting('extra_float_digits'),
       pg_catalog.current_setting('bytea_output'), pg_catalog.current_setting('quote_all_identifiers'),
       pg_catalog.current_setting('TimeZone')

-- query: schema_set
SELECT pg_catalog.set_config('search_path', $1, $8::boolean), pg_catalog.set_config('DateStyle', $2, $8::boolean),
       pg_catalog.set_config('IntervalStyle', $3, $8::boolean),
       pg_catalog.set_config('extra_float_digits', $4, $8::boolean),
       pg_catalog.set_config('bytea_output', $5, $8::boolean),
       pg_catalog.set_config('quote_all_identifiers', $6, $8::boolean),
       pg_catalog.set_config('TimeZone', $7, $8::boolean)

-- query: schema_prefix
WITH member AS (
    SELECT classid, objid FROM pg_catalog.pg_depend
    WHERE refclassid = 'pg_catalog.pg_extension'::regclass AND deptype = 'e' -- an index has the class
), nsp AS (
    SELECT n.oid, n.nspname,
           (n.oid IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_namespace'::regclass)) AS in_extension
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'belay')
), version_table AS (
    SELECT a.attrelid AS oid
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
    WHERE a.attname = 'version_num' AND a.attnum > 0 AND NOT a.attisdropped
      AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_attribute o
                      WHERE o.attrelid = a.attrelid AND o.attnum > 0 AND o.attnum <> a.attnum AND NOT o.attisdropped)
), rel AS (
    SELECT c.*, format('%I.%I', nsp.nspname, c.relname) AS fullname
    FROM pg_catalog.pg_class c JOIN nsp ON nsp.oid = c.relnamespace
    WHERE c.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_class'::regclass)
      AND c.oid NOT IN (SELECT oid FROM version_table)
), heir AS ( -- a dump moves their inherited columns to the front
    SELECT i.inhrelid AS oid FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    WHERE NOT c.relispartition
)

-- query: schema_schemas
SELECT format('schema %I', nspname) FROM nsp WHERE NOT in_extension AND nspname <> 'public'

-- query: schema_extensions
SELECT format('extension %I version %s schema %I', x.extname, x.extversion, n.nspname)
FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace

-- query: schema_relations
SELECT format('%s %s', CASE r.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table'
                                      WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' END, r.fullname)
    || CASE r.relpersistence WHEN 'u' THEN ' unlogged' ELSE '' END
    || CASE WHEN r.relkind IN ('r', 'p', 'm') AND am.amname <> 'heap' THEN format(' using %I', am.amname) ELSE '' END
    || CASE WHEN r.reloftype <> 0 THEN ' of ' || format_type(r.reloftype, NULL) ELSE '' END
    || CASE WHEN r.reloptions IS NOT NULL
            THEN ' with ' || (SELECT string_agg(o, ',' ORDER BY o COLLATE "C") FROM unnest(r.reloptions) o) ELSE '' END
    || CASE WHEN t.reloptions IS NOT NULL
            THEN ' toast ' || (SELECT string_agg(o, ',' ORDER BY o COLLATE "C") FROM unnest(t.reloptions) o) ELSE '' END
    || CASE WHEN r.relrowsecurity THEN ' row security' ELSE '' END
    || CASE WHEN r.relforcerowsecurity THEN ' forced' ELSE '' END
    || CASE WHEN r.relkind IN ('r', 'p') AND r.relreplident <> 'd' THEN ' replica identity ' || r.relreplident::text ELSE '' END
    || CASE WHEN r.relkind = 'p' THEN ' partition by ' || pg_get_partkeydef(r.oid) ELSE '' END
    || CASE WHEN r.relispartition THEN ' ' || pg_get_expr(r.relpartbound, r.oid) ELSE '' END
    || CASE WHEN r.relkind = 'm' AND NOT r.relispopulated THEN ' empty' ELSE '' END
    || CASE WHEN r.relkind IN ('v', 'm') THEN ' as ' || pg_get_viewdef(r.oid) ELSE '' END
    || CASE WHEN r.relkind = 'f' THEN (SELECT format(' server %I options %s', s.srvname, f.ftoptions)
            FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver
            WHERE f.ftrelid = r.oid) ELSE '' END
FROM rel r LEFT JOIN pg_catalog.pg_am am ON am.oid = r.relam LEFT JOIN pg_catalog.pg_class t ON t.oid = r.reltoastrelid
WHERE r.relkind IN ('r', 'p', 'f', 'v', 'm')

-- query: schema_inheritance
SELECT format('inherits %s %s %s', r.fullname, i.inhseqno, i.inhparent::regclass)
FROM pg_catalog.pg_inherits i JOIN rel r ON r.oid = i.inhrelid

-- query: schema_columns
SELECT format('column %s %s %I %s', r.fullname,
              CASE WHEN r.oid IN (SELECT oid FROM heir) THEN '-'
                   ELSE (row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum))::text END, a.attname,
              format_type(a.atttypid, a.atttypmod))
    || CASE WHEN a.attcollation <> t.typcollation
            THEN (SELECT format(' collate %I.%I', n.nspname, o.collname) FROM pg_catalog.pg_collation o
                  JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace WHERE o.oid = a.attcollation) ELSE '' END
    || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
    || CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END
    || CASE WHEN a.attgenerated <> '' THEN ' generated ' || a.attgenerated::text ELSE '' END
    || CASE WHEN d.oid IS NOT NULL THEN ' default ' || pg_get_expr(d.adbin, d.adrelid) ELSE '' END
    || CASE WHEN r.relkind IN ('r', 'p', 'm') AND a.attstorage <> t.typstorage THEN ' storage ' || a.attstorage::text ELSE '' END
    || CASE WHEN a.attcompression <> '' THEN ' compression ' || a.attcompression::text ELSE '' END
    || CASE WHEN a.attstattarget >= 0 THEN ' statistics ' || a.attstattarget ELSE '' END
    || CASE WHEN a.attoptions IS NOT NULL
            THEN coalesce((SELECT ' options ' || string_agg(o, ',' ORDER BY o COLLATE "C") FROM unnest(a.attoptions) o
                           WHERE o NOT LIKE 'pg\_attver=%'), '') ELSE '' END
    || CASE WHEN a.attfdwoptions IS NOT NULL THEN ' fdw options ' || a.attfdwoptions::text ELSE '' END
    || CASE WHEN NOT a.attislocal AND NOT r.relispartition THEN ' inherited' ELSE '' END
FROM rel r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND a.attnum > 0 AND NOT a.attisdropped

-- query: schema_constraints
SELECT format('constraint %s %I %s', r.fullname, k.conname, pg_get_constraintdef(k.oid))
FROM pg_catalog.pg_constraint k JOIN rel r ON r.oid = k.conrelid
WHERE k.contype IN ('c', 'p', 'u', 'x', 'f') AND NOT (k.contype = 'f' AND k.conparentid <> 0)

-- query: schema_not_null_constraints
SELECT format('not null constraint %s %I %I', r.fullname, a.attname, k.conname)
    || CASE WHEN k.connoinherit THEN ' no inherit' ELSE '' END || CASE WHEN NOT k.convalidated THEN ' not valid' ELSE '' END
FROM pg_catalog.pg_constraint k JOIN rel r ON r.oid = k.conrelid
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.contype = 'n' AND NOT r.relispartition AND (k.connoinherit OR NOT k.convalidated)

-- query: schema_indexes
SELECT 'index ' || pg_get_indexdef(i.indexrelid)
    || CASE WHEN NOT i.indisvalid THEN ' invalid' ELSE '' END
    || CASE WHEN i.indisreplident THEN ' replica identity' ELSE '' END
    || CASE WHEN i.indisclustered THEN ' clustered' ELSE '' END
    || coalesce((SELECT ' statistics ' || string_agg(a.attnum || '=' || a.attstattarget, ',' ORDER BY a.attnum)
                 FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0), '')
    || coalesce((SELECT ' attached to ' || h.inhparent::regclass FROM pg_catalog.pg_inherits h
                 WHERE h.inhrelid = i.indexrelid), '')
FROM pg_catalog.pg_index i JOIN rel r ON r.oid = i.indrelid
WHERE i.indisvalid OR r.relkind = 'p'

-- query: schema_sequences
SELECT format('sequence %s %s start %s increment %s min %s max %s cache %s', r.fullname, format_type(s.seqtypid, NULL),
              s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache)
    || CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END
    || CASE r.relpersistence WHEN 'u' THEN ' unlogged' ELSE '' END
    || coalesce((SELECT format(' owned by %s.%I', d.refobjid::regclass, a.attname) FROM pg_catalog.pg_depend d
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                 WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = r.oid AND d.objsubid = 0
                   AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')), '')
FROM rel r JOIN pg_catalog.pg_sequence s ON s.seqrelid = r.oid

-- query: schema_functions
SELECT 'routine ' || pg_get_functiondef(p.oid)
FROM pg_catalog.pg_proc p JOIN nsp ON nsp.oid = p.pronamespace
WHERE p.prokind <> 'a' AND p.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_proc'::regclass)
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::regclass
                  AND d.objid = p.oid AND d.deptype = 'i')

-- query: schema_aggregates
SELECT format('aggregate %s kind %s transition %s final %s combine %s serial %s deserial %s state %s initial %s '
              'moving %s %s %s %s %s extra %s %s modify %s %s sort %s space %s %s parallel %s', p.oid::regprocedure, g.aggkind,
              g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, format_type(g.aggtranstype, NULL),
              quote_nullable(g.agginitval), g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn,
              CASE WHEN g.aggmtranstype <> 0 THEN format_type(g.aggmtranstype, NULL) END, quote_nullable(g.aggminitval),
              g.aggfinalextra, g.aggmfinalextra, g.aggfinalmodify, g.aggmfinalmodify,
              CASE WHEN g.aggsortop <> 0 THEN g.aggsortop::regoperator END, g.aggtransspace, g.aggmtransspace, p.proparallel)
FROM pg_catalog.pg_aggregate g JOIN pg_catalog.pg_proc p ON p.oid = g.aggfnoid JOIN nsp ON nsp.oid = p.pronamespace
WHERE p.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_proc'::regclass)

-- query: schema_triggers
SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled)
FROM pg_catalog.pg_trigger t JOIN rel r ON r.oid = t.tgrelid
LEFT JOIN pg_catalog.pg_trigger p ON p.oid = t.tgparentid
WHERE NOT t.tgisinternal AND (p.oid IS NULL OR p.tgenabled <> t.tgenabled)

-- query: schema_rules
SELECT format('rule %s enabled %s', pg_get_ruledef(u.oid), u.ev_enabled)
FROM pg_catalog.pg_rewrite u JOIN rel r ON r.oid = u.ev_class WHERE u.rulename <> '_RETURN'

-- query: schema_policies
SELECT format('policy %s %I %s command %s to %s using %s check %s', r.fullname, p.polname,
              CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, p.polcmd,
              (SELECT string_agg(CASE WHEN o = 0 THEN 'public' ELSE o::regrole::text END, ','
                                 ORDER BY o::regrole::text COLLATE "C") FROM unnest(p.polroles) o),
              pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_catalog.pg_policy p JOIN rel r ON r.oid = p.polrelid

-- query: schema_enums
SELECT format('enum %I.%I %s', nsp.nspname, t.typname,
              (SELECT string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e
               WHERE e.enumtypid = t.oid))
FROM pg_catalog.pg_type t JOIN nsp ON nsp.oid = t.typnamespace
WHERE t.typtype = 'e' AND t.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_type'::regclass)

-- query: schema_domains
SELECT format('domain %I.%I %s', nsp.nspname, t.typname, format_type(t.typbasetype, t.typtypmod))
    || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END
    || CASE WHEN t.typcollation <> b.typcollation
            THEN (SELECT format(' collate %I.%I', n.nspname, o.collname) FROM pg_catalog.pg_collation o
                  JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace WHERE o.oid = t.typcollation) ELSE '' END
    || CASE WHEN t.typdefault IS NOT NULL THEN ' default ' || coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) ELSE '' END
    || coalesce((SELECT string_agg(format(' %I %s', k.conname, pg_get_constraintdef(k.oid)), '' ORDER BY k.conname COLLATE "C")
                 FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'), '')
FROM pg_catalog.pg_type t JOIN nsp ON nsp.oid = t.typnamespace JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
WHERE t.typtype = 'd' AND t.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_type'::regclass)

-- query: schema_ranges
SELECT format('range %I.%I subtype %s class %s collation %s canonical %s difference %s multirange %s', nsp.nspname, t.typname,
              format_type(g.rngsubtype, NULL), (SELECT format('%I.%I', n.nspname, o.opcname) FROM pg_catalog.pg_opclass o
              JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace WHERE o.oid = g.rngsubopc),
              CASE WHEN g.rngcollation <> 0 THEN g.rngcollation::regcollation END, g.rngcanonical, g.rngsubdiff,
              format_type(g.rngmultitypid, NULL))
FROM pg_catalog.pg_range g JOIN pg_catalog.pg_type t ON t.oid = g.rngtypid JOIN nsp ON nsp.oid = t.typnamespace
WHERE t.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_type'::regclass)

-- query: schema_base_types
SELECT format('type %I.%I length %s by value %s category %s preferred %s delimiter %s element %s in %s out %s receive %s '
              'send %s modin %s modout %s analyze %s align %s storage %s default %s', nsp.nspname, t.typname, t.typlen,
              t.typbyval, t.typcategory, t.typispreferred, t.typdelim,
              CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END, t.typinput, t.typoutput, t.typreceive,
              t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typalign, t.typstorage, quote_nullable(t.typdefault))
FROM pg_catalog.pg_type t JOIN nsp ON nsp.oid = t.typnamespace
WHERE t.typtype = 'b' AND NOT (t.typelem <> 0 AND t.typlen = -1)
  AND t.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_type'::regclass)

-- query: schema_operators
SELECT format('operator %s procedure %s commutator %s negator %s merges %s hashes %s restrict %s join %s',
              o.oid::regoperator, o.oprcode, CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoperator END,
              CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoperator END, o.oprcanmerge, o.oprcanhash, o.oprrest, o.oprjoin)
FROM pg_catalog.pg_operator o JOIN nsp ON nsp.oid = o.oprnamespace
WHERE o.oprcode <> 0 AND o.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_operator'::regclass)

-- query: schema_operator_classes
SELECT format('operator class %I.%I using %I for %s default %s family %I.%I', nsp.nspname, c.opcname, m.amname,
              format_type(c.opcintype, NULL), c.opcdefault, fn.nspname, f.opfname)
FROM pg_catalog.pg_opclass c JOIN nsp ON nsp.oid = c.opcnamespace JOIN pg_catalog.pg_am m ON m.oid = c.opcmethod
JOIN pg_catalog.pg_opfamily f ON f.oid = c.opcfamily JOIN pg_catalog.pg_namespace fn ON fn.oid = f.opfnamespace
WHERE c.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_opclass'::regclass)
UNION ALL
SELECT format('operator family %I.%I using %I operator %s %s', nsp.nspname, f.opfname, m.amname, o.amopstrategy,
              o.amopopr::regoperator)
FROM pg_catalog.pg_amop o JOIN pg_catalog.pg_opfamily f ON f.oid = o.amopfamily JOIN nsp ON nsp.oid = f.opfnamespace
JOIN pg_catalog.pg_am m ON m.oid = f.opfmethod
WHERE f.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_opfamily'::regclass)
UNION ALL
SELECT format('operator family %I.%I using %I function %s %s', nsp.nspname, f.opfname, m.amname, o.amprocnum,
              o.amproc::regprocedure)
FROM pg_catalog.pg_amproc o JOIN pg_catalog.pg_opfamily f ON f.oid = o.amprocfamily JOIN nsp ON nsp.oid = f.opfnamespace
JOIN pg_catalog.pg_am m ON m.oid = f.opfmethod
WHERE f.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_opfamily'::regclass)

-- query: schema_casts
SELECT format('cast %s to %s function %s context %s method %s', format_type(k.castsource, NULL), format_type(k.casttarget, NULL),
              CASE WHEN k.castfunc <> 0 THEN k.castfunc::regprocedure END, k.castcontext, k.castmethod)
FROM pg_catalog.pg_cast k
WHERE k.oid >= 16384 AND k.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_cast'::regclass)

-- query: schema_collations
SELECT format('collation %I.%I provider %s deterministic %s encoding %s locale %s', nsp.nspname, o.collname,
              o.collprovider, o.collisdeterministic, o.collencoding,
              coalesce(j.collation ->> 'colllocale', j.collation ->> 'colliculocale',
                       CASE WHEN o.collprovider = 'i' THEN o.collcollate::text
                            ELSE format('collate %s ctype %s', o.collcollate, o.collctype) END))
    || coalesce(' rules ' || quote_literal(j.collation ->> 'collicurules'), '')
FROM pg_catalog.pg_collation o CROSS JOIN LATERAL (SELECT to_jsonb(o) AS collation) j JOIN nsp ON nsp.oid = o.collnamespace
WHERE o.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_collation'::regclass)

-- query: schema_languages
SELECT format('language %I trusted %s handler %s inline %s validator %s', l.lanname, l.lanpltrusted,
              l.lanplcallfoid::regproc, l.laninline::regproc, l.lanvalidator::regproc)
FROM pg_catalog.pg_language l
WHERE l.lanispl AND l.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_language'::regclass)

-- query: schema_text_search
SELECT format('text search configuration %I.%I parser %I.%I token %s %s %s', nsp.nspname, c.cfgname, pn.nspname, p.prsname,
              m.maptokentype, m.mapseqno, m.mapdict::regdictionary)
FROM pg_catalog.pg_ts_config c JOIN nsp ON nsp.oid = c.cfgnamespace
JOIN pg_catalog.pg_ts_parser p ON p.oid = c.cfgparser JOIN pg_catalog.pg_namespace pn ON pn.oid = p.prsnamespace
LEFT JOIN pg_catalog.pg_ts_config_map m ON m.mapcfg = c.oid
WHERE c.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_ts_config'::regclass)
UNION ALL
SELECT format('text search dictionary %I.%I template %I.%I %s', nsp.nspname, d.dictname, tn.nspname, t.tmplname, d.dictinitoption)
FROM pg_catalog.pg_ts_dict d JOIN nsp ON nsp.oid = d.dictnamespace
JOIN pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_catalog.pg_namespace tn ON tn.oid = t.tmplnamespace
WHERE d.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_ts_dict'::regclass)

-- query: schema_foreign
SELECT format('foreign data wrapper %I handler %s validator %s options %s', w.fdwname, w.fdwhandler::regproc,
              w.fdwvalidator::regproc, w.fdwoptions)
FROM pg_catalog.pg_foreign_data_wrapper w
WHERE w.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_foreign_data_wrapper'::regclass)
UNION ALL
SELECT format('server %I wrapper %I type %s version %s options %s', s.srvname, w.fdwname, s.srvtype, s.srvversion, s.srvoptions)
FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
WHERE s.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_foreign_server'::regclass)
UNION ALL
SELECT format('user mapping %I server %I', u.usename, u.srvname) FROM pg_catalog.pg_user_mappings u

-- query: schema_statistics
SELECT 'statistics ' || pg_get_statisticsobjdef(s.oid) || CASE WHEN s.stxstattarget >= 0 THEN ' target ' || s.stxstattarget ELSE '' END
FROM pg_catalog.pg_statistic_ext s JOIN nsp ON nsp.oid = s.stxnamespace
WHERE s.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_statistic_ext'::regclass)

-- query: schema_event_triggers
SELECT format('event trigger %I on %s execute %s enabled %s tags %s', e.evtname, e.evtevent, e.evtfoid::regproc,
              e.evtenabled, e.evttags)
FROM pg_catalog.pg_event_trigger e
WHERE e.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_event_trigger'::regclass)

-- query: schema_publications
SELECT format('publication %I all %s insert %s update %s delete %s truncate %s root %s', p.pubname, p.puballtables,
              p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot)
    || CASE WHEN to_jsonb(p) ->> 'pubgencols' <> 'n' THEN ' generated columns ' || (to_jsonb(p) ->> 'pubgencols') ELSE '' END
FROM pg_catalog.pg_publication p

-- query: schema_publication_tables_14
SELECT format('publication %I table %s', p.pubname, r.prrelid::regclass)
FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid

-- query: schema_publication_tables_15
SELECT format('publication %I table %s columns %s where %s', p.pubname, r.prrelid::regclass,
              (SELECT string_agg(quote_ident(a.attname), ',' ORDER BY a.attname COLLATE "C") FROM pg_catalog.pg_attribute a
               WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)), pg_get_expr(r.prqual, r.prrelid))
FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid
UNION ALL
SELECT format('publication %I schema %I', p.pubname, n.nspname)
FROM pg_catalog.pg_publication_namespace s JOIN pg_catalog.pg_publication p ON p.oid = s.pnpubid
JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid

-- query: schema_transforms
SELECT format('transform %s language %I from %s to %s', format_type(t.trftype, NULL), l.lanname, t.trffromsql, t.trftosql)
FROM pg_catalog.pg_transform t JOIN pg_catalog.pg_language l ON l.oid = t.trflang
WHERE t.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_catalog.pg_transform'::regclass)

-- query: schema_comments
SELECT format('comment %s %s %s', r.fullname, coalesce((SELECT quote_ident(a.attname) FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = r.oid AND a.attnum = d.objsubid AND d.objsubid > 0), ''), quote_literal(d.description))
FROM pg_catalog.pg_description d JOIN rel r ON r.oid = d.objoid WHERE d.classoid = 'pg_catalog.pg_class'::regclass
