-- query: loss_counters
SELECT pg_catalog.quote_ident(s.schemaname) || '.' || pg_catalog.quote_ident(s.relname),
       s.n_tup_ins, s.n_tup_upd, s.n_tup_del,
       (SELECT d.stats_reset FROM pg_catalog.pg_stat_database d WHERE d.datname = pg_catalog.current_database())
  FROM pg_catalog.pg_stat_user_tables s
 WHERE s.schemaname <> 'belay'
 ORDER BY 1
