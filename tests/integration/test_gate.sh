#!/bin/bash
# Keeper and gate against a real server: the lock, applications that reconnect in a loop, sessions that cannot be
# ended, names of 63 bytes, lost connections, the swap.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
RUN=20251104T123400Z-3f2a9c
info="host=$PGHOST user=postgres dbname=bank"

# gate STATUS WORDS...: the driver for database bank
gate() {
    local expected=$1 status=0
    shift
    LAST="gate_driver $*"
    "$BELAY_TESTS/gate_driver" "$info" "${DB:-bank}" "$RUN" "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
    [ "$status" -eq "$expected" ] || fail "status $status, expected $expected"
}

# holds CONDITION: for wait_until
holds() {
    [ "$(psql -X -At -d postgres -c "SELECT $1")" = t ]
}

sql postgres "CREATE DATABASE bank" "COMMENT ON DATABASE bank IS E'The bank''s\nown words'"
sql bank "CREATE TABLE t AS SELECT 1 AS x"

begin "close renames, marks the comment; open brings both back"
oid=$(sql postgres "SELECT oid FROM pg_database WHERE datname = 'bank'")
gate 0 close
out_has 'intent gate.close {"comment":"The bank'
out_has 'done gate.close'
equals "databases" "$(databases)" "bank__belay_3f2a9c"
sql_is postgres "SELECT shobj_description($oid, 'pg_database') LIKE E'The bank''s\nown words\nbelay: {%3f2a9c%\"name\":\"bank\"%'" t
gate 5
out_has 'is behind the gate of run 20251104T123400Z-3f2a9c'
gate 0 "attach_oid:$oid" find open open
out_has 'found bank__belay_3f2a9c of bank run 20251104T123400Z-3f2a9c kind gate'
equals "databases" "$(databases)" "bank"
sql_is postgres "SELECT shobj_description($oid, 'pg_database')" $'The bank\'s\nown words'

begin "applications that reconnect in a loop do not win"
for _ in 1 2 3 4; do
    (while [ ! -e "$WORK/stop" ]; do
        psql -X -d "$info" -c "SELECT pg_sleep(0.01)" -c "SELECT pg_sleep(1)" >/dev/null 2>&1 || true
    done) &
done
wait_until holds "count(*) > 0 FROM pg_stat_activity WHERE datname = 'bank'"
for _ in 1 2 3 4 5; do
    gate 0 close open
    milliseconds=$(sed -n 's/^ok close //p' "$OUT")
    echo "  closed in $milliseconds ms"
    [ "$milliseconds" -lt 3000 ] || fail "closing took $milliseconds ms"
done
touch "$WORK/stop"
wait

begin "a second run gets exit 6 and reads who holds the lock"
mkfifo "$WORK/in"
"$BELAY_TESTS/gate_driver" "$info" bank "$RUN" pid wait >"$WORK/first" <"$WORK/in" &
exec 7>"$WORK/in"
wait_until grep -q '^ok pid' "$WORK/first"
pid=$(sed -n 's/^pid //p' "$WORK/first")
gate 6
out_has "another run holds database \"bank\": belay $RUN $(hostname)"
out_has "server process $pid of role postgres, connected from the local socket for"
DB=other gate 1
out_has 'database "other" does not exist'

begin "a killed keeper is noticed"
sql postgres "SELECT pg_terminate_backend($pid)" >/dev/null
wait_until holds "count(*) = 0 FROM pg_stat_activity WHERE pid = $pid"
exec 7>&-
wait || true
mkfifo "$WORK/in2"
"$BELAY_TESTS/gate_driver" "$info" bank "$RUN" pid wait check >"$WORK/first" <"$WORK/in2" &
exec 7>"$WORK/in2"
wait_until grep -q '^ok pid' "$WORK/first"
sql postgres "SELECT pg_terminate_backend($(sed -n 's/^pid //p' "$WORK/first"))" >/dev/null
exec 7>&-
wait || true
cp "$WORK/first" "$OUT"
out_has 'connection_lost: the connection that holds the lock of database "bank" was lost'

begin "a lost connection in the middle of closing is settled by the OID"
mkfifo "$WORK/in3"
"$BELAY_TESTS/gate_driver" "$info" bank "$RUN" pid wait close check >"$WORK/first" <"$WORK/in3" &
exec 7>"$WORK/in3"
wait_until grep -q '^ok pid' "$WORK/first"
sql postgres "SELECT pg_terminate_backend($(sed -n 's/^pid //p' "$WORK/first"))" >/dev/null
exec 7>&-
wait || true
cat "$WORK/first" >"$OUT"
equals "databases" "$(databases)" "bank"

begin "sessions that the role may not end are named"
sql postgres "CREATE ROLE app LOGIN" "CREATE ROLE deployer LOGIN CREATEDB" "ALTER DATABASE bank OWNER TO deployer"
psql -X -d bank -c "SET application_name = 'the boss'" -c "SELECT pg_sleep(60)" >/dev/null 2>&1 &
boss=$!
wait_until holds "EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'the boss')"
info="host=$PGHOST user=deployer dbname=bank" gate 3 close
out_has "sessions are left that this role may not end"
out_has "of postgres (the boss)"
equals "databases" "$(databases)" "bank"
sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'the boss'" >/dev/null
wait "$boss" || true

begin "an owner with CREATEDB and pg_signal_backend needs no superuser"
sql postgres "GRANT pg_signal_backend TO deployer"
psql -X -U app -d bank -c "SELECT pg_sleep(60)" >/dev/null 2>&1 &
wait_until holds "EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'app')"
info="host=$PGHOST user=deployer dbname=bank" gate 0 close open
wait || true

begin "prepared transactions are refused by name"
sql postgres "ALTER SYSTEM SET max_prepared_transactions = 4"
crash_cluster && restart_cluster
sql bank "BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'left over'"
gate 3 close
out_has "'left over' (of postgres"
sql bank "ROLLBACK PREPARED 'left over'"

begin "the swap: both names at once, the old one kept and shut"
sql postgres "CREATE DATABASE bank__belay_new_3f2a9c TEMPLATE bank" "COMMENT ON DATABASE bank__belay_new_3f2a9c IS 'restored'"
sql bank__belay_new_3f2a9c "UPDATE t SET x = 7"
gate 0 close swap:bank__belay_new_3f2a9c:bank__belay_failed_3f2a9c open
out_has 'intent gate.swap {"database":"bank","kept":"bank__belay_failed_3f2a9c"'
sql_is bank "SELECT x FROM t" 7
sql_is postgres "SELECT string_agg(datname || datallowconn, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'bank%'" \
    "banktrue bank__belay_failed_3f2a9cfalse"
sql_is postgres "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'bank'" restored
gate 0 find drop:bank__belay_failed_3f2a9c drop:bank__belay_failed_3f2a9c
out_has 'found bank__belay_failed_3f2a9c of bank run 20251104T123400Z-3f2a9c kind failed'
equals "databases" "$(databases)" "bank"
gate 1 drop:bank
out_has "not one of belay's own"

begin "somebody takes the public name meanwhile"
gate 0 close
sql postgres "CREATE DATABASE bank"
oid=$(sql postgres "SELECT oid FROM pg_database WHERE datname = 'bank__belay_3f2a9c'")
gate 5 "attach_oid:$oid" open
out_has 'somebody created a database "bank" while the gate was closed'
sql postgres "DROP DATABASE bank"
gate 0 "attach_oid:$oid" open

begin "backends of a run are ended wherever they are"
for app in "$RUN" "$RUN worker 2"; do
    PGAPPNAME=$app psql -X -d bank -c "SELECT pg_sleep(60)" >/dev/null 2>&1 &
done
wait_until holds "2 = (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '$RUN%')"
gate 0 "end_run:$RUN"
sql_is postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%$RUN%'" 0
wait || true

begin "names of 63 bytes in UTF-8"
long=$(printf 'ä%.0s' $(seq 31))x
sql postgres "CREATE DATABASE \"$long\""
DB=$long gate 0 close find open
out_has "of $long run $RUN kind gate"
sql_is postgres "SELECT count(*) FROM pg_database WHERE datname = '$long'" 1
