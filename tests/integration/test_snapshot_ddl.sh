#!/bin/bash
# Others alter tables while a snapshot is taken: what they wait for is read first and given back, and they are named; the snapshot
# never stands in front of the application for longer than --lock-wait.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
CLUSTER_CONF="max_prepared_transactions = 2" start_cluster
make_empty_project
sql bank "CREATE TABLE small (id integer)" "INSERT INTO small VALUES (1)" \
    "CREATE TABLE numbered (id serial, n integer)" "INSERT INTO numbered (n) VALUES (7), (8)" \
    "CREATE TABLE emptied (id integer)" "INSERT INTO emptied SELECT generate_series(1, 3000)" \
    "CREATE TABLE big AS SELECT i AS id, repeat(md5(i::text), 100) AS words FROM generate_series(1, 20000) i"

# A slow store makes the snapshot last for some seconds: start_snapshot RATE OPTIONS...
start_snapshot() {
    "$BELAY" snapshot --rate "$@" >"$OUT" 2>"$ERR" </dev/null &
    snapshot=$!
    LAST="belay snapshot --rate $*"
    wait_until is_reading
}
is_free() {
    [ "$(sql bank "SELECT count(*) FROM pg_locks WHERE relation = 'big'::regclass")" = 0 ]
}
is_reading() {
    [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bank' AND query LIKE '%COPY%big%'")" -gt 0 ]
}
ends_with() {
    local status=0
    wait "$snapshot" || status=$?
    [ "$status" -eq "$1" ] || fail "the snapshot ended with status $status, expected $1"
}
is_at_work() { kill -0 "$snapshot" 2>/dev/null || fail "the snapshot has ended"; }
ms() { echo $(($(date +%s%N) / 1000000)); }
# Of the last snapshot's table: rows NAME.
rows() {
    tar -xOf "$(json path)" manifest.json | python3 -c 'import json, sys
print([t["rows"] for t in json.load(sys.stdin)["tables"] if t["name"] == sys.argv[1]][0])' "$1"
}

begin "tables that a worker has not come to yet: they are read at once, their locks are given back, and the snapshot goes on as it was"
start_snapshot 150kB/s --lock-wait 20s --json
PGOPTIONS="-c lock_timeout=10s" sql bank "DROP TABLE numbered"
is_at_work
# Another transaction holds the snapshot now: a connection that is made anew joins that one.
sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'bank' AND query LIKE '%COPY%big%'" >/dev/null
PGOPTIONS="-c lock_timeout=10s" sql bank "BEGIN; TRUNCATE emptied; ALTER TABLE small ADD n integer; COMMIT"
is_at_work
ends_with 0
err_has "the snapshot gives their locks back and goes on"
equals "rows of tables that are gone meanwhile" "$(rows numbered) $(rows emptied) $(rows small) $(rows big)" "2 3000 1 20000"
belay 0 prove
rm -r backups

begin "an ALTER TABLE of what is being read, which gives up by itself: it is named, and the snapshot is whole"
start_snapshot 100kB/s --lock-wait 60s --json
PGOPTIONS="-c lock_timeout=1500ms" PGAPPNAME=impatient psql -X -q -d bank -c "ALTER TABLE big ADD n integer" >/dev/null 2>"$WORK/alter" && fail "the ALTER had its lock"
grep -q "lock timeout" "$WORK/alter" || fail "the ALTER failed otherwise: $(cat "$WORK/alter")"
is_at_work
ends_with 0
err_has "application impatient"
err_has "waits for public.big"
err_has "ALTER TABLE big ADD n integer"
equals "rows" "$(rows big)" 20000
rm -r backups
begin "one that does not: after --lock-wait the snapshot gives way, and the application goes on"
start_snapshot 40kB/s --lock-wait 2s
began=$(ms)
PGAPPNAME=patient psql -X -q -d bank -c "ALTER TABLE big ADD n integer" >/dev/null 2>&1 &
alter=$!
is_waiting() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'patient' AND wait_event_type = 'Lock'")" = 1 ]; }
wait_until is_waiting
sql bank "SELECT count(*) FROM big" >/dev/null # queues behind the ALTER
waited=$(($(ms) - began))
[ "$waited" -lt 6000 ] || fail "the application waited for $waited ms"
wait "$alter"
ends_with 1
err_has "the snapshot gave way"
err_has "application patient"
err_has "--lock-wait 10min"
equals "files" "$(find backups -name '*.tar*' | wc -l)" 0
no_session() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bank'")" = 0 ]; }
wait_until no_session

begin "a table that is locked before it begins: no table of the same snapshot is held for longer than --lock-wait"
mkfifo "$WORK/in"
psql -X -q -d bank <"$WORK/in" >"$WORK/holder" 2>&1 &
exec 7>"$WORK/in"
echo "BEGIN; LOCK TABLE big; SELECT 'locked';" >&7
wait_until grep -q locked "$WORK/holder"
began=$(ms)
"$BELAY" snapshot --lock-wait 1s >"$OUT" 2>"$ERR" </dev/null &
snapshot=$!
sql bank "ALTER TABLE small ADD m integer"
sql bank "INSERT INTO small VALUES (2)"
ends_with 1
[ "$(($(ms) - began))" -lt 5000 ] || fail "it took $(($(ms) - began)) ms"
err_has "a table stayed locked for 1000 ms"
err_has "transaction open for"
err_lacks "transaction open for  s"
begin "the same for who may not see others' sessions, and when it is a prepared transaction"
sql postgres "CREATE ROLE reader LOGIN" "GRANT pg_read_all_data TO reader"
sed 's/^user = .*/user = reader/' belay.ini >reader.ini
belay 1 snapshot -c reader.ini --lock-wait 100ms
err_has "(user postgres, application psql, transaction open for ? s) on public.big: <insufficient privilege>"
exec 7>&-
wait_until is_free
sql bank "BEGIN; LOCK TABLE big; PREPARE TRANSACTION 'it''s held'"
belay 1 snapshot --lock-wait 100ms
err_has "prepared transaction 'it''s held' (user postgres, prepared "
err_has " s ago) on public.big"
sql bank "ROLLBACK PREPARED 'it''s held'"

# What pg_dump says is kept back until there is "$WORK/go".
PG_DUMP=$(ls /usr/lib/postgresql/*/bin/pg_dump | tail -1)
cat >"$WORK/slow_dump" <<EOF
#!/bin/bash
"$PG_DUMP" "\$@" >"$WORK/dump.\$\$" || exit
case "\$*" in
*--section=*) touch "$WORK/dumping"; while [ ! -e "$WORK/go" ]; do sleep 0.05; done ;;
esac
cat "$WORK/dump.\$\$"
EOF
chmod +x "$WORK/slow_dump"
# start_dumping OPTIONS...: a snapshot whose pg_dump waits
start_dumping() {
    rm -f "$WORK/go" "$WORK/dumping"
    BELAY_PG_DUMP=$WORK/slow_dump "$BELAY" snapshot "$@" >"$OUT" 2>"$ERR" </dev/null &
    snapshot=$!
    LAST="belay snapshot $*"
    wait_until test -e "$WORK/dumping"
}
sql bank "CREATE TABLE numbered (id serial, n integer)" "INSERT INTO numbered (n) VALUES (7), (8), (9)" "CREATE SEQUENCE lone"
positions() { tar -xOf "$(json path)" sequences.json | tr -d ' \n'; }

begin "a sequence that is set back while pg_dump is at work: the snapshot has where it stood"
start_dumping -j 1 --json
sql bank "SELECT setval('numbered_id_seq', 1)" "ALTER SEQUENCE lone RESTART 9" >/dev/null
touch "$WORK/go"
ends_with 0
positions | grep -q '"name":"numbered_id_seq","last_value":3,"is_called":true' || fail "the position is another: $(positions)"
positions | grep -q '"name":"lone","last_value":1,"is_called":false' || fail "the position is another: $(positions)"
sql bank "SELECT setval('numbered_id_seq', 3)" >/dev/null

begin "one that is renamed, or another of the same name: pg_dump may have named either, and there is no snapshot"
for change in "ALTER SEQUENCE lone RENAME TO other" "DROP SEQUENCE other; CREATE SEQUENCE other"; do
    start_dumping
    sql bank "$change"
    touch "$WORK/go"
    ends_with 1
    err_has "was renamed or dropped while pg_dump read the schema"
done
err_has "sequence public.other"

begin "one that is renamed before pg_dump comes to it: the snapshot says that it may be tried again"
cat >"$WORK/late_dump" <<EOF
#!/bin/bash
case "\$*" in *--section=*) psql -X -q -d bank -c "ALTER SEQUENCE other RENAME TO late" >&2 ;; esac
exec "$PG_DUMP" "\$@"
EOF
chmod +x "$WORK/late_dump"
BELAY_PG_DUMP=$WORK/late_dump belay 1 snapshot
err_has "public.other"
err_has "run the command again"

begin "one worker: there is one pg_dump for both sections, so that none waits behind somebody who came after it"
start_dumping -j 1 --lock-wait 20s --json
PGAPPNAME=patient psql -X -q -d bank -c "DROP TABLE numbered" >/dev/null 2>&1 &
alter=$!
wait_until is_waiting
touch "$WORK/go"
wait "$alter"
ends_with 0
equals "rows" "$(rows numbered)" 3

# One worker has read two tables and comes to a third, whose chunks wait for a slow store: start_slow.
sql bank "DROP TABLE big" "CREATE TABLE bytes (v bytea)" "ALTER TABLE bytes ALTER v SET STORAGE PLAIN" \
    "INSERT INTO bytes SELECT (SELECT string_agg(sha512(int4send(i * 100 + j)), '') FROM generate_series(1, 60) j) FROM generate_series(1, 15000) i"
for i in 1 2; do
    sql bank "CREATE TABLE even$i (words text)" "ALTER TABLE even$i ALTER words SET STORAGE PLAIN" \
        "INSERT INTO even$i SELECT repeat('x', 6000) FROM generate_series(1, 3200)"
done
is_at_bytes() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bank' AND query LIKE '%COPY%bytes%' AND wait_event = 'ClientWrite'")" = 1 ]; }
is_watching() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bank' AND query LIKE '%pg_blocking_pids%' AND pid <> pg_backend_pid()")" = 1 ]; }
start_slow() {
    LAST="belay snapshot -j 1 --rate 100kB/s"
    "$BELAY" snapshot -j 1 --rate 100kB/s --lock-wait 60s >"$OUT" 2>"$ERR" </dev/null &
    snapshot=$!
    wait_until is_at_bytes
    wait_until is_watching # by a connection that later ones are not needed for
}

begin "no other connection can be had to take over the snapshot: that is told once, and tried until there is one"
start_slow
mkfifo "$WORK/second"
psql -X -q -d bank <"$WORK/second" >"$WORK/dropper" 2>&1 &
exec 8>"$WORK/second"
echo "SELECT 'here';" >&8
wait_until grep -q here "$WORK/dropper"
sql postgres "ALTER DATABASE bank ALLOW_CONNECTIONS false"
echo "DROP TABLE even1; SELECT 'dropped';" >&8
wait_until grep -q "no other connection can take over the snapshot" "$ERR"
sleep 3 # several tries
sql postgres "ALTER DATABASE bank ALLOW_CONNECTIONS true"

begin "a worker that waits for a slow store holds the lock of no table that it has read"
wait_until grep -q dropped "$WORK/dropper"
exec 8>&-
equals "times it was told" "$(grep -c "no other connection can take over the snapshot" "$ERR")" 1
is_at_work
kill -INT "$snapshot"
ends_with 1

begin "the snapshot that is to be taken over is lost: the reason is told"
start_slow
rm "$WORK"/pg/data/pg_snapshots/*
sql bank "DROP TABLE even2"
ends_with 1
err_has "the snapshot was lost: "
sql bank "DROP TABLE bytes"

begin "and undisturbed it is taken"
belay 0 snapshot
