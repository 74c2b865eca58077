The rows of the database's own catalogues, summed: one number a catalogue. What vacuum and analyze keep there, and other
sessions' temporary tables, are left out.

catalog_plain is the text that continues catalog_special: one SELECT for each of the other catalogues.

-- query: catalog_plain
SELECT pg_catalog.string_agg(pg_catalog.format('
UNION ALL
SELECT %L, pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended(t::pg_catalog.text, 0)) FROM pg_catalog.%I t',
       c.relname, c.relname), '' ORDER BY c.relname)
  FROM pg_catalog.pg_class c
 WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.relkind = 'r' AND NOT c.relisshared
   AND c.relname NOT IN ('pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject', 'pg_subscription_rel', 'pg_class',
                         'pg_namespace')
   AND pg_catalog.has_table_privilege(c.oid, 'SELECT')

-- query: catalog_special
SELECT 'pg_class', pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended((pg_catalog.to_jsonb(t) - '{relpages,
       reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,relhasindex,relhasrules,relhastriggers,
       relhassubclass}'::pg_catalog.text[])::pg_catalog.text, 0))
  FROM pg_catalog.pg_class t WHERE t.relpersistence <> 't'
UNION ALL
SELECT 'pg_namespace', pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended(t::pg_catalog.text, 0))
  FROM pg_catalog.pg_namespace t WHERE t.nspname !~ '^pg_(toast_)?temp_'
UNION ALL
SELECT 'pg_database', 1, pg_catalog.hashtextextended(pg_catalog.concat_ws(' ', pg_catalog.shobj_description(d.oid, 'pg_database'),
       pg_catalog.to_jsonb(d) - '{datname,datfrozenxid,datminmxid,dathasloginevt}'::pg_catalog.text[]), 0)
  FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'pg_db_role_setting', pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended(t::pg_catalog.text, 0))
  FROM pg_catalog.pg_db_role_setting t
  JOIN pg_catalog.pg_database d ON d.oid = t.setdatabase AND d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'pg_subscription', pg_catalog.count(*),
       pg_catalog.sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(' ', t.oid, t.subname, t.subowner, t.subenabled), 0))
  FROM pg_catalog.pg_subscription t
  JOIN pg_catalog.pg_database d ON d.oid = t.subdbid AND d.datname = pg_catalog.current_database()
