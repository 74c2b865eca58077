Who waits for a lock that a session of this run ($1, its application_name) holds, and does it wait for session $2?

-- query: waiters
SELECT a.pid, a.usename, a.application_name, coalesce(l.relation::pg_catalog.regclass::text, 'a lock'),
    pg_catalog.round(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - coalesce(l.waitstart, pg_catalog.clock_timestamp())) * 1000)::bigint,
    pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 200), l.relation, $2::int = ANY (b.pids)
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid,
LATERAL (SELECT pg_catalog.pg_blocking_pids(l.pid)) b(pids)
WHERE NOT l.granted AND l.locktype = 'relation' AND a.datname = pg_catalog.current_database()
    AND b.pids && ARRAY(SELECT s.pid FROM pg_catalog.pg_stat_activity s
        WHERE s.application_name = $1 AND s.datname = pg_catalog.current_database())
ORDER BY 5 DESC
