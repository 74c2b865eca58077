Who waits for a lock that this session holds. What a transaction has seen of the sessions stays so until it is thrown away.

-- query: forget_sessions
SELECT pg_catalog.pg_stat_clear_snapshot()

-- query: waiters
SELECT a.pid, a.usename, a.application_name, coalesce(l.relation::pg_catalog.regclass::text, 'a lock'),
    pg_catalog.round(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - coalesce(l.waitstart, pg_catalog.clock_timestamp())) * 1000)::bigint,
    pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 200)
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE NOT l.granted AND l.locktype = 'relation' AND pg_catalog.pg_backend_pid() = ANY (pg_catalog.pg_blocking_pids(l.pid))
ORDER BY 5 DESC
