What a snapshot reads, from the catalogue under its own transaction's snapshot. Names of other sessions' temporary
tables, of the system and of extensions (but for their configuration tables) are left out. A worker reads the rows of a range in the order of their places, whatever the role has set.

-- query: plan_begin
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY

-- query: plan_export
SELECT pg_catalog.pg_export_snapshot(), pg_catalog.getdatabaseencoding()

-- query: plan_worker_settings
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL enable_tidscan = on;
SET LOCAL enable_seqscan = off;
SET LOCAL jit = off

-- query: plan_relations
SELECT c.oid, n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0
            AND d.deptype = 'e'
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension x WHERE x.oid = d.refobjid AND c.oid = ANY (x.extconfig)))
ORDER BY 1

-- query: plan_lock_slots
SELECT pg_catalog.current_setting('max_locks_per_transaction')::bigint,
    pg_catalog.current_setting('max_connections')::bigint + pg_catalog.current_setting('max_prepared_transactions')::bigint
        + pg_catalog.current_setting('autovacuum_max_workers')::bigint + pg_catalog.current_setting('max_worker_processes')::bigint
        + pg_catalog.current_setting('max_wal_senders')::bigint + 1

-- query: plan_blockers
SELECT CASE WHEN l.pid IS NULL
        THEN pg_catalog.format('prepared transaction %L (user %s, prepared %s s ago)', p.gid, p.owner,
            pg_catalog.round(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - p.prepared)::numeric))
        ELSE pg_catalog.format('pid %s (user %s, application %s, transaction open for %s s)', l.pid, coalesce(a.usename, '?'), a.application_name,
            coalesce(pg_catalog.round(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::numeric)::text, '?'))
    END || ' on ' || l.relation::pg_catalog.regclass::text
        || coalesce(': ' || pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 200), '')
FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    LEFT JOIN pg_catalog.pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' AND x.virtualtransaction = l.virtualtransaction
    LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND l.relation = ANY ($1::pg_catalog.oid[])
ORDER BY l.granted DESC, a.xact_start
LIMIT 3

-- query: plan_tables
WITH RECURSIVE base AS (
    SELECT t.oid, t.typarray FROM pg_catalog.pg_type t
    WHERE t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND t.typtype = 'b' AND t.typname = ANY ('{
        bool,bytea,char,name,int2,int4,int8,text,varchar,bpchar,oid,float4,float8,numeric,money,date,time,timetz,
        timestamp,timestamptz,interval,uuid,json,jsonb,inet,cidr,macaddr,macaddr8,bit,varbit,point,line,lseg,box,path,
        polygon,circle,xml,pg_lsn,tsvector,tsquery}')
), inside(container, oid) AS (
    SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
    UNION ALL SELECT r.rngtypid, r.rngsubtype FROM pg_catalog.pg_range r
    UNION ALL SELECT r.rngmultitypid, r.rngsubtype FROM pg_catalog.pg_range r
), fixed(oid) AS (
    SELECT oid FROM base
    UNION SELECT typarray FROM base
    UNION SELECT i.container FROM inside i JOIN fixed f ON f.oid = i.oid
), enum_hashed AS (
    SELECT p.partrelid FROM pg_catalog.pg_partitioned_table p
    WHERE p.partstrat = 'h' AND EXISTS (SELECT FROM pg_catalog.pg_opclass o
        WHERE o.oid = ANY (p.partclass) AND o.opcintype = 'pg_catalog.anyenum'::pg_catalog.regtype)
), tables AS (
    SELECT c.oid, n.nspname, c.relname, pg_catalog.pg_relation_size(c.oid) AS main_bytes,
        EXISTS (SELECT FROM pg_catalog.pg_am a WHERE a.oid = c.relam AND a.amname = 'heap') AS is_heap,
        (SELECT r.relid FROM pg_catalog.pg_partition_ancestors(c.oid) WITH ORDINALITY r(relid, level)
         WHERE c.relispartition AND r.relid IN (SELECT partrelid FROM enum_hashed) ORDER BY r.level DESC LIMIT 1) AS root,
        (SELECT pg_catalog.regexp_replace(x.extcondition[pg_catalog.array_position(x.extconfig, c.oid)], '^\s*where\s+', '', 'i')
         FROM pg_catalog.pg_extension x WHERE c.oid = ANY (x.extconfig)) AS filter
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.oid = ANY ($1::pg_catalog.oid[])
), columns AS (
    SELECT a.oid, pg_catalog.bool_and(a.attgenerated = 'v' OR a.atttypid IN (SELECT oid FROM fixed)) AS is_fixed,
        pg_catalog.json_agg(a.attname ORDER BY a.place) FILTER (WHERE a.attgenerated = '') AS plain,
        pg_catalog.json_agg(a.attname ORDER BY a.place) FILTER (WHERE a.attgenerated = 's') AS generated
    FROM (SELECT t.oid, a.attname, a.atttypid, a.attgenerated,
              CASE WHEN t.root IS NULL THEN a.attnum ELSE (SELECT r.attnum FROM pg_catalog.pg_attribute r
                  WHERE r.attrelid = t.root AND r.attname = a.attname AND r.attnum > 0) END AS place
          FROM tables t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped) a
    GROUP BY a.oid
)
SELECT t.nspname, t.relname,
    CASE WHEN t.is_heap AND t.main_bytes = 0 THEN 0 ELSE pg_catalog.pg_table_size(t.oid) END, -- which opens TOAST as well
    coalesce(k.is_fixed, true), coalesce(k.plain, '[]'), coalesce(k.generated, '[]'),
    nullif(t.filter, ''), rn.nspname, rc.relname, t.oid, t.is_heap,
    t.main_bytes / pg_catalog.current_setting('block_size')::bigint
FROM tables t
LEFT JOIN columns k ON k.oid = t.oid
LEFT JOIN pg_catalog.pg_class rc ON rc.oid = t.root
LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
ORDER BY 3 DESC, 1, 2

-- query: taken_by_others
-- May the snapshot $1 be under way, or does another run than $2 work here?
SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity
    WHERE application_name = $1 OR (datname = pg_catalog.current_database() AND application_name <> $2
        AND application_name ~ '^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}'))
