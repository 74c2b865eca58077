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

# proxy TEXT [before]: a way to the server that loses the connection at the transaction that holds TEXT; $lossy leads there.
proxy() {
    local folder
    folder=$(mktemp -d "$WORK/proxy.XXXX")
    python3 "$BELAY_SOURCE/tests/support/cut_commit.py" "$folder/.s.PGSQL.5432" "$PGHOST/.s.PGSQL.5432" "$@" &
    proxies+=("$!")
    wait_until test -S "$folder/.s.PGSQL.5432"
    lossy="host=$folder user=postgres dbname=bank"
}
proxies=()
end_proxies() {
    kill "${proxies[@]}"
    wait "${proxies[@]}" 2>/dev/null || true
    proxies=()
}
once() { equals "times: $1" "$(grep -c "$1" "$OUT")" 1; }

begin "an answer to closing or opening that is lost with the connection is settled by the OID"
proxy "RENAME TO" before
info=$lossy gate 0 close check open
once 'done gate.close'
equals "databases" "$(databases)" "bank"
proxy 'RENAME TO "bank__belay_3f2a9c"'
info=$lossy gate 0 close check
once 'done gate.close'
equals "databases" "$(databases)" "bank__belay_3f2a9c"
proxy 'RENAME TO "bank"'
info=$lossy gate 0 "attach_oid:$oid" open check
once 'done gate.open'
equals "databases" "$(databases)" "bank"
sql_is postgres "SELECT shobj_description($oid, 'pg_database')" $'The bank\'s\nown words'

end_proxies

begin "the lock's session is gone before closing: nothing is renamed"
mkfifo "$WORK/in3"
"$BELAY_TESTS/gate_driver" "$info" bank "$RUN" pid wait close >"$WORK/first" <"$WORK/in3" &
driver=$!
exec 7>"$WORK/in3"
wait_until grep -q '^ok pid' "$WORK/first"
sql postgres "SELECT pg_terminate_backend($(sed -n 's/^pid //p' "$WORK/first"), 10000)" >/dev/null
exec 7>&-
status=0
wait "$driver" || status=$?
cp "$WORK/first" "$OUT"
equals "exit status" "$status" 1
out_has connection_lost
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

begin "a swap whose answer is lost happens once"
twin=bank__belay_twin_3f2a9c failed=bank__belay_failed_3f2a9c
for how in "" before; do
    proxy "$twin" ${how:+"$how"}
    info=$lossy gate 0 close "twin:$twin" "swap:$twin:$failed" check open "drop:$failed"
    once 'done gate.swap'
    equals "databases" "$(databases)" "bank"
    sql_is bank "SELECT x FROM t" 7
done
end_proxies

# What pg_database and pg_db_role_setting have about a database but its name and OID; privileges in a fixed order.
everything_about() {
    sql postgres "SELECT datdba::regrole, encoding, j ->> 'datlocprovider', datistemplate, datallowconn, datconnlimit, dattablespace,
            datcollate, datctype, coalesce(j ->> 'datlocale', j ->> 'daticulocale'), j ->> 'daticurules', j ->> 'datcollversion',
            shobj_description(oid, 'pg_database'),
            (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(coalesce(datacl, acldefault('d', datdba))) a)
        FROM pg_database d CROSS JOIN LATERAL (SELECT to_jsonb(d) AS j) versions WHERE datname = '$1'" \
        "SELECT setrole::regrole, c FROM pg_db_role_setting s, unnest(setconfig) c
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = '$1') ORDER BY 1, 2"
}

begin "the twin gets the state that a template copy leaves out, and keeps it through the swap"
mkdir "$WORK/pg/fast disk"
[ "$(id -u)" -ne 0 ] || chown postgres "$WORK/pg/fast disk"
locale="LOCALE 'C'"
[ "$(sql postgres "SHOW server_version_num")" -lt 150000 ] || locale="LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C'"
sql postgres "CREATE TABLESPACE \"fast disk\" LOCATION '$WORK/pg/fast disk'" "CREATE ROLE \"odd role\"" \
    "CREATE DATABASE odd TEMPLATE template0 TABLESPACE \"fast disk\" $locale" \
    "ALTER DATABASE odd OWNER TO app" "ALTER DATABASE odd CONNECTION LIMIT 17" "ALTER DATABASE odd IS_TEMPLATE true" \
    "COMMENT ON DATABASE odd IS E'two\nlines, it''s \\\\ odd'" \
    "REVOKE ALL ON DATABASE odd FROM PUBLIC" "GRANT CONNECT ON DATABASE odd TO \"odd role\" WITH GRANT OPTION" \
    "GRANT TEMPORARY ON DATABASE odd TO deployer" "SET ROLE \"odd role\"; GRANT CONNECT ON DATABASE odd TO deployer; RESET ROLE" \
    "ALTER DATABASE odd SET search_path = '\$user', 'Mixed Case', public" "ALTER DATABASE odd SET work_mem = '7MB'" \
    "ALTER DATABASE odd SET \"app.name\" = 'it''s'" "ALTER ROLE \"odd role\" IN DATABASE odd SET statement_timeout = '9s'" \
    "ALTER ROLE app IN DATABASE odd SET search_path = ''" "ALTER ROLE app IN DATABASE odd SET DateStyle = 'German, DMY'"
before=$(everything_about odd)
grep -q German <<<"$before" || fail "the picture is incomplete"
DB=odd gate 0 close twin:odd__belay_twin_3f2a9c
equals "state of the twin" "$(everything_about odd__belay_twin_3f2a9c | sed '1s/|f|17|/|t|17|/')" "$before"
oid=$(sql postgres "SELECT oid FROM pg_database WHERE datname = 'odd__belay_3f2a9c'")
DB=odd gate 0 "attach_oid:$oid" swap:odd__belay_twin_3f2a9c:odd__belay_failed_3f2a9c open
equals "state after the swap" "$(everything_about odd)" "$before"
DB=odd gate 0 drop:odd__belay_failed_3f2a9c
DB=odd gate 0 close open
equals "state after the gate" "$(everything_about odd)" "$before"
sql postgres "ALTER DATABASE odd IS_TEMPLATE false" "DROP DATABASE odd"
equals "databases" "$(databases)" "bank"

begin "twin and swap by an owner with CREATEDB and pg_signal_backend, no superuser"
sql postgres "ALTER DATABASE bank OWNER TO deployer" "COMMENT ON DATABASE bank IS 'of deployer'" "ALTER DATABASE bank SET work_mem = '7MB'" \
    "GRANT CONNECT ON DATABASE bank TO app" "ALTER DATABASE bank CONNECTION LIMIT 30"
before=$(everything_about bank)
info="host=$PGHOST user=deployer dbname=bank" gate 0 close "twin:$twin" "swap:$twin:$failed" "drop:$failed"
equals "state after the swap" "$(everything_about bank)" "$before"
sql_is bank "SELECT x FROM t" 7

begin "rights that are missing are named"
sql postgres "ALTER ROLE deployer NOCREATEDB"
info="host=$PGHOST user=deployer dbname=bank" gate 1 close
out_has "permission"
equals "databases" "$(databases)" "bank"
sql postgres "ALTER ROLE deployer CREATEDB"

begin "clients that find every database, and reconnect in a loop, stop neither twin nor swap"
rm -f "$WORK/stop"
for _ in 1 2 3 4; do
    (while [ ! -e "$WORK/stop" ]; do
        for name in bank bank__belay_3f2a9c "$twin" "$failed"; do
            psql -X -d "host=$PGHOST user=postgres dbname=$name" -c "SELECT pg_sleep(1)" >/dev/null 2>&1 || true
        done
    done) &
done
wait_until holds "count(*) > 0 FROM pg_stat_activity WHERE datname = 'bank'"
for _ in 1 2 3; do
    gate 0 close "twin:$twin" "swap:$twin:$failed" "drop:$failed"
    sed -n 's/^ok \([a-z]*\)[^ ]* /  \1 ms: /p' "$OUT" | paste -sd' '
done
touch "$WORK/stop"
wait
equals "databases" "$(databases)" "bank"
equals "state after the swaps" "$(everything_about bank)" "$before"

begin "a prepared transaction in the replacement is refused before the swap"
gate 0 close
sql postgres "CREATE DATABASE $twin TEMPLATE bank__belay_3f2a9c"
sql "$twin" "BEGIN; UPDATE t SET x = 8; PREPARE TRANSACTION 'in the twin'"
oid=$(sql postgres "SELECT oid FROM pg_database WHERE datname = 'bank__belay_3f2a9c'")
gate 3 "attach_oid:$oid" "swap:$twin:$failed"
out_has "'in the twin'"
sql "$twin" "ROLLBACK PREPARED 'in the twin'"
sql bank__belay_3f2a9c "BEGIN; UPDATE t SET x = 8; PREPARE TRANSACTION 'behind the gate'"
gate 3 "attach_oid:$oid" twin:bank__belay_twin_aaaaaa
out_has "'behind the gate'"
sql bank__belay_3f2a9c "ROLLBACK PREPARED 'behind the gate'"
gate 0 "attach_oid:$oid" "drop:$twin" open

begin "a worker of the server's own in the database: a logical replication apply worker"
sql postgres "CREATE DATABASE publisher" "CREATE ROLE walker LOGIN REPLICATION SUPERUSER"
sql publisher "CREATE TABLE t (x int)" "CREATE PUBLICATION p FOR TABLE t" \
    "SELECT pg_create_logical_replication_slot('s', 'pgoutput')" >/dev/null
sql bank "CREATE SUBSCRIPTION s CONNECTION 'host=$PGHOST user=walker dbname=publisher' PUBLICATION p
    WITH (create_slot = false, slot_name = 's', copy_data = false)"
wait_until holds "count(*) > 0 FROM pg_stat_activity WHERE datname = 'bank' AND backend_type LIKE 'logical replication%'"
info="host=$PGHOST user=deployer dbname=bank" gate 3 close
out_has "sessions are left that this role may not end: process"
gate 0 close open
sql bank "ALTER SUBSCRIPTION s DISABLE" "ALTER SUBSCRIPTION s SET (slot_name = NONE)" "DROP SUBSCRIPTION s"
sql postgres "DROP DATABASE publisher WITH (FORCE)" || true

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
twin_of() { sql postgres "SELECT datname FROM pg_database WHERE datname LIKE '%\_\_belay\_%' AND octet_length(datname) BETWEEN 60 AND 63"; }
sql postgres "CREATE DATABASE \"$long\"" "CREATE DATABASE \"${long%x}y\"" "COMMENT ON DATABASE \"$long\" IS 'long'"
DB=$long gate 0 close find open
out_has "of $long run $RUN kind gate"
sql_is postgres "SELECT count(*) FROM pg_database WHERE datname = '$long'" 1
DB=$long gate 0 close
cut=$(twin_of)
grep -qE "^ä+_[0-9a-f]{8}__belay_3f2a9c\$" <<<"$cut" || fail "the cut name is $cut"
DB=${long%x}y gate 0 close
out_lacks "$cut"
DB=${long%x}y gate 5
out_has "is called"
oid=$(sql postgres "SELECT oid FROM pg_database WHERE datname = '$cut'")
twin=${cut/__belay_/__belay_twin_} && twin=${twin:5} # what belay would call it is tested in the unit tests
DB=$long gate 0 "attach_oid:$oid" "twin:$twin" "swap:$twin:${twin/twin/kept}" "drop:${twin/twin/kept}"
sql_is postgres "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '$long'" long
