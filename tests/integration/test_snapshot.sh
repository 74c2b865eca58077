#!/bin/bash
# Snapshots: taken, proven, and restored by hand from their README with tar, zstd and psql alone.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster

# by_hand: extracts the snapshot of the last answer into $WORK/hand and follows its README into a new database.
by_hand() {
    local snapshot=$1 db=$2
    rm -rf "$WORK/hand"
    mkdir "$WORK/hand" && tar -xf "$snapshot" -C "$WORK/hand"
    (cd "$WORK/hand" && sh restore.sh "$db" >"$WORK/hand.log" 2>&1) || fail "restore.sh failed: $(cat "$WORK/hand.log")"
}

# same_database A B: schema, rows, sequences and large objects. The schema is compared with that of a copy of A by
# pg_dump and psql, since the server words some expressions differently after a dump.
same_database() {
    local a=$1 b=$2 query
    sql postgres "CREATE DATABASE copy_of_a TEMPLATE template0 ENCODING 'UTF8'" >/dev/null
    pg_dump --schema-only -d "$a" | psql -X -q -o /dev/null -d copy_of_a
    diff <(schema_of copy_of_a --encoding=UTF8) <(schema_of "$b" --encoding=UTF8) >"$WORK/schema.diff" || fail "schemas differ: $(head -40 "$WORK/schema.diff")"
    sql postgres "DROP DATABASE copy_of_a"
    diff <(data_of "$a") <(data_of "$b") >"$WORK/data.diff" || fail "data differ: $(head -20 "$WORK/data.diff")"
    query="SELECT d.datdba, ARRAY(SELECT x::text FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x ORDER BY 1), d.datconnlimit, s.setconfig, shobj_description(d.oid, 'pg_database')
        FROM pg_database d LEFT JOIN pg_db_role_setting s ON s.setdatabase = d.oid WHERE d.datname ="
    equals "database-level state" "$(sql postgres "$query '$b'")" "$(sql postgres "$query '$a'")"
}

# All rows in a fixed order, sequence positions, large objects.
data_of() {
    pg_dump --data-only --inserts --encoding=UTF8 -d "$1" 2>/dev/null | grep -v -e '^\\restrict ' -e '^\\unrestrict ' -e '^--' | sort
}

take() {
    belay 0 snapshot --json
    json_is state verified
    SNAPSHOT=$(json path)
    ID=$(json id)
    [ -f "$SNAPSHOT" ] || fail "no file at $SNAPSHOT"
}

begin "the bank: taken, proven, restored by hand"
PROJECT_KEYS="gate = none"
make_project bank
belay 0 upgrade 70c5e94a1bd2
psql -X -q -v entries=3000 -d bank -f "$BELAY_SOURCE/scripts/demo_rows.sql" >/dev/null
sql bank "ALTER DATABASE bank SET work_mem = '7MB'" "COMMENT ON DATABASE bank IS 'the bank''s own'"
take
json_is target dev
json_is revisions '["70c5e94a1bd2"]'
equals "rows in the answer" "$(json rows)" \
    "$(sql bank "SELECT sum((xpath('//n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I', schemaname, tablename), true, false, '')))[1]::text::bigint)
        FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")"
belay 0 prove
out_has "snapshot $ID is proven"
by_hand "$SNAPSHOT" by_hand
same_database bank by_hand
sql postgres "DROP DATABASE by_hand"

sql postgres "CREATE ROLE rich_reader" "CREATE ROLE rich_owner"
for kind in everything rich; do
    begin "everything else that a database can hold: $kind.sql"
    make_empty_project $kind
    sql_file $kind "$BELAY_SOURCE/tests/support/$kind.sql" >/dev/null
    take
    belay 0 prove
    by_hand "$SNAPSHOT" by_hand
    # The README says so: a key that the data violates stays out.
    [ $kind = everything ] || grep -q violated_tree "$WORK/hand.log" || fail "nothing was said of the violated key"
    [ $kind = everything ] || sql rich "SET session_replication_role = replica" "ALTER TABLE violated DROP CONSTRAINT violated_tree"
    same_database $kind by_hand
    sql postgres "DROP DATABASE by_hand"
done

begin "tables and large objects of several chunks; a closed gate's mark is not the database's comment"
make_empty_project large
sql large "CREATE TABLE wide (id int, v text)" \
    "INSERT INTO wide SELECT i, repeat(md5(i::text), 1000) FROM generate_series(1, 1500) i" \
    "SELECT lo_from_bytea(77, convert_to(repeat('0123456789abcdef', 1100000), 'UTF8'))" >/dev/null
sql postgres "COMMENT ON DATABASE large IS E'my own\nbelay: {\"run\": \"20251104T123400Z-3f2a9c\", \"name\": \"large\", \"state\": \"gate\"}'"
take
sql postgres "COMMENT ON DATABASE large IS 'my own'"
belay 0 prove
by_hand "$SNAPSHOT" by_hand
[ -e "$WORK/hand/data/public.wide/3.copy.zst" ] || fail "the table is not in chunks"
[ "$(ls "$WORK/hand/blobs" | wc -l)" = 3 ] || fail "the large object is not in chunks"
same_database large by_hand
sql postgres "DROP DATABASE by_hand"

begin "an extension's configuration table: only the rows that it wants dumped"
sql large "CREATE EXTENSION hstore" "CREATE TABLE config (own boolean, v text)" "INSERT INTO config VALUES (false, 'shipped'), (true, 'mine')" \
    "CREATE TABLE code (v text)" "ALTER EXTENSION hstore ADD TABLE config" "ALTER EXTENSION hstore ADD TABLE code" \
    "UPDATE pg_extension SET extconfig = ARRAY['config'::regclass::oid], extcondition = ARRAY['WHERE own'] WHERE extname = 'hstore'"
take
tar -xf "$SNAPSHOT" -C "$WORK/hand" manifest.json
equals "tables with their filters and rows" "$(python3 -c 'import json, sys
print([(t["name"], t["filter"], t["rows"]) for t in sorted(json.load(open(sys.argv[1]))["tables"], key=lambda t: t["name"])])' "$WORK/hand/manifest.json")" \
    "[('config', 'own', 1), ('wide', None, 1500)]"

begin "a database in another encoding keeps its bytes"
cd "$WORK"
export PGCLIENTENCODING=UTF8
sql postgres "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
sql latin "CREATE TABLE \"größe\" (\"maß\" text, n int)" "INSERT INTO \"größe\" VALUES ('äöü', 1)" \
    "CREATE TYPE e AS ENUM ('ä')" "CREATE TABLE t2 (v text, w e)" "INSERT INTO t2 VALUES ('ß', 'ä')"
write_project latin development
unset PGCLIENTENCODING
take
belay 0 prove
by_hand "$SNAPSHOT" by_hand
same_database latin by_hand

begin "statistics of the planner, in UTF-8; without them where they cannot be read"
statistics_of() {
    tar -xOf "$SNAPSHOT" blobs/statistics-1.zst 2>/dev/null | zstd -dcq 2>/dev/null
}
equals "lines before ANALYZE" "$(statistics_of || true)" ""
sql latin "ANALYZE"
take
statistics_of >"$WORK/lines"
grep -qF '{"schema":"public","table":"größe","pages":1,"rows":1,' "$WORK/lines" || fail "no line of the table"
grep -qF '{"schema":"public","table":"größe","column":"maß","inherited":false,' "$WORK/lines" || fail "no line of its column"
belay 0 prove
sql latin "SET allow_system_table_mods = on; ALTER VIEW pg_stats RENAME TO pg_no_stats"
take
err_has "the planner's statistics are not in the snapshot, a restore makes its own: relation"
equals "lines that cannot be read" "$(statistics_of || true)" ""
belay 0 verify "$ID"
sql latin "SET allow_system_table_mods = on; ALTER VIEW pg_no_stats RENAME TO pg_stats"

begin "pg_dump reads the catalogue once; a script may stand for it, without a pg_restore beside it"
mkdir "$WORK/own"
printf '#!/bin/sh\necho "$*" >>"%s"\nexec "%s" "$@"\n' "$WORK/own/calls" "$(command -v pg_dump)" >"$WORK/own/dump"
chmod +x "$WORK/own/dump"
BELAY_PG_DUMP=$WORK/own/dump belay 0 snapshot
equals "runs of pg_dump" "$(grep -c -e --section "$WORK/own/calls")" 1

begin "a table that stays locked: who holds it, and no file is left"
cat >"$WORK/holder.sql" <<'SQL'
BEGIN; LOCK TABLE t2; SELECT 'locked';
SELECT pg_sleep(600);
SQL
PGAPPNAME=holder psql -X -q -At -d latin -f "$WORK/holder.sql" >"$WORK/holder.out" 2>&1 &
wait_until grep -q locked "$WORK/holder.out"
find backups -type f | sort >"$WORK/before"
belay 1 snapshot --lock-wait 200ms
err_has "application holder"
err_has "on public.t2"
find backups -type f | sort | diff "$WORK/before" - || fail "a failed snapshot left a file"

begin "stopped by Ctrl-C: no file, no session is left"
"$BELAY" snapshot --lock-wait 10min >"$OUT" 2>"$ERR" &
belay_pid=$!
waiting() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'latin' AND wait_event_type = 'Lock'")" = 1 ]; }
wait_until waiting
kill -INT $belay_pid
status=0
wait $belay_pid || status=$?
equals "exit status" "$status" 1
find backups -type f | sort | diff "$WORK/before" - || fail "a stopped snapshot left a file"
gone() { ! waiting; }
wait_until gone
sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'" >/dev/null

begin "more tables than the lock table holds"
# Each test file of CREATE TABLE is a transaction of its own, and so takes few locks.
CLUSTER_CONF="max_locks_per_transaction = 10
max_connections = 10" start_cluster small
for i in $(seq 1 400); do echo "CREATE TABLE many_$i ();"; done | psql -X -q -d postgres
write_project postgres development
belay 3 snapshot
err_has "set max_locks_per_transaction = "
wanted=$(sed -n 's/.*set max_locks_per_transaction = \([0-9]*\).*/\1/p' "$ERR")
sql postgres "ALTER SYSTEM SET max_locks_per_transaction = $wanted"
crash_cluster small
restart_cluster small
belay 0 snapshot --json
belay 0 prove "$(json id)"
find backups -type f | sort >"$WORK/before"
PGHOST=$(cluster_host)
write_project latin development

begin "a role that may not read a table"
sql postgres "CREATE ROLE weak LOGIN"
sed -i 's/^user = .*/user = weak/' belay.ini
belay 1 snapshot
err_has "permission denied"
err_has "GRANT pg_read_all_data"
find backups -type f | sort | diff "$WORK/before" - || fail "a failed snapshot left a file"
