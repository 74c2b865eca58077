#!/bin/bash
# Pre-flight, the server's state: what is in the way of a run there, each provoked, told with its remedy, and gone afterwards.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/preflight_lib.sh"
CLUSTER_CONF='max_prepared_transactions = 4' start_cluster
preflight_project

# lock_accounts, unlock_accounts: a session of psql that holds the table
lock_accounts() {
    rm -f "$WORK/in"
    mkfifo "$WORK/in"
    psql -X -q -d "dbname=bank application_name=batch" <"$WORK/in" >/dev/null 2>&1 &
    exec 7>"$WORK/in"
    echo "BEGIN; LOCK TABLE accounts;" >&7
    wait_until locked
}
locked() { [ "$(sql bank "SELECT count(*) FROM pg_locks WHERE relation = 'accounts'::regclass AND granted")" = 1 ]; }
unlock_accounts() {
    echo "ROLLBACK;" >&7
    exec 7>&-
    wait
}

begin "a prepared transaction"
sql bank "BEGIN; INSERT INTO accounts VALUES (1, 'one'); PREPARE TRANSACTION 'left over'"
finds refuse prepared_transactions "prepared transaction 'left over' of postgres" "ROLLBACK PREPARED 'left over'"
belay 3 deploy
err_has "prepared transaction 'left over' of postgres"
sql_is bank "SELECT version_num FROM alembic_version" a1
sql bank "ROLLBACK PREPARED 'left over'"

begin "an invalid index"
sql bank "INSERT INTO accounts VALUES (1, 'same'), (2, 'same')"
psql -X -q -d bank -c "CREATE UNIQUE INDEX CONCURRENTLY accounts_name ON accounts (name)" 2>/dev/null && fail "no invalid index"
finds warn invalid_indexes "index accounts_name is invalid" "REINDEX INDEX CONCURRENTLY accounts_name"
sql bank "DROP INDEX accounts_name"

begin "a long transaction, and a session that waits for it"
lock_accounts
psql -X -q -d bank -c "SELECT * FROM accounts" >/dev/null 2>&1 &
waiting() { [ "$(sql bank "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")" = 1 ]; }
wait_until waiting
pid=$(sql bank "SELECT pid FROM pg_stat_activity WHERE application_name = 'batch'")
finds warn blocked "waits for a lock that process $pid holds" "queue"
equals "check long_transactions" "$(verdict long_transactions)" ok
set_key long_transaction 0
finds warn long_transactions "process $pid of postgres (batch) has a transaction open for" "pg_terminate_backend($pid)"
finding warn long_transactions "LOCK TABLE accounts"
unset_key long_transaction
unlock_accounts

begin "an extension whose recorded version the server does not offer"
sql bank "UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'plpgsql'"
finds refuse extensions "extension plpgsql is installed at version 0.9" "ALTER EXTENSION"
belay 3 deploy
sql bank "UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'plpgsql'"

begin "libraries that are loaded when they are used: missing, and not wanted"
mkdir "$WORK/broken"
touch "$WORK/broken/libarchive.so.13" "$WORK/broken/libcurl.so.4"
LD_LIBRARY_PATH=$WORK/broken finds refuse libraries "libarchive.so.13 cannot be loaded" libarchive13
LD_LIBRARY_PATH=$WORK/broken belay 0 current
set_key way_back twin
set_key snapshot no
LD_LIBRARY_PATH=$WORK/broken finds ok libraries fine
set_key health_url http://127.0.0.1:1/
LD_LIBRARY_PATH=$WORK/broken finds refuse libraries "health_url cannot be asked: the library libcurl.so.4 cannot be loaded" libcurl4
LD_LIBRARY_PATH=$WORK/broken belay 3 deploy
sql_is bank "SELECT version_num FROM alembic_version" a1
for key in way_back snapshot health_url; do unset_key "$key"; done

begin "pg_dump: missing, too old, and not wanted without a snapshot"
BELAY_PG_DUMP=/nonexistent/pg_dump finds refuse pg_dump "/nonexistent/pg_dump cannot be run" "postgresql-client-"
printf '#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.24"\n' >"$WORK/old_dump"
chmod +x "$WORK/old_dump"
BELAY_PG_DUMP=$WORK/old_dump finds refuse pg_dump "is of version 9, older than the server's" "postgresql-client-"
BELAY_PG_DUMP=$WORK/old_dump belay 3 deploy
sed 's/9.6.24/99.1/' "$WORK/old_dump" >"$WORK/new_dump"
chmod +x "$WORK/new_dump"
BELAY_PG_DUMP=$WORK/new_dump finds refuse pg_dump "older than pg_dump 99" "pg_restore beside it"
sql_is bank "SELECT version_num FROM alembic_version" a1
set_key way_back twin
set_key snapshot no
BELAY_PG_DUMP=$WORK/old_dump finds ok pg_dump fine
unset_key way_back
unset_key snapshot

begin "WAL that cannot be archived"
sql postgres "ALTER SYSTEM SET archive_mode = on" "ALTER SYSTEM SET archive_command = 'false'"
crash_cluster && restart_cluster
sql postgres "SELECT pg_switch_wal()" >/dev/null
failed() { [ "$(sql postgres "SELECT failed_count > 0 FROM pg_stat_archiver")" = t ]; }
wait_until failed
finds warn archiver "archiving WAL fails since" "archive_command"
sql postgres "ALTER SYSTEM SET archive_command = 'true'" "SELECT pg_reload_conf()" >/dev/null
archived() { [ "$(sql postgres "SELECT last_archived_time > last_failed_time FROM pg_stat_archiver")" = t ]; }
wait_until archived
finds ok archiver fine

begin "a lock table too small for all relations"
sql postgres "ALTER SYSTEM RESET archive_mode" "ALTER SYSTEM SET max_locks_per_transaction = 10" "ALTER SYSTEM SET max_connections = 25"
crash_cluster && restart_cluster
for hundred in 0 1 2 3; do
    sql bank "DO \$\$ BEGIN FOR i IN 1..100 LOOP EXECUTE format('CREATE TABLE many_${hundred}_%s (x int)', i); END LOOP; END \$\$"
done
sql bank "CREATE EXTENSION dblink" "ALTER EXTENSION dblink ADD TABLE many_0_1" # an extension's own table is not locked
finds refuse lock_table "the server's lock table has room for about" "set max_locks_per_transaction = "
grep -q "has to lock $(($(sql bank "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text IN ('public', 'belay')") - 1)) tables" "$OUT" || fail "other tables are counted than the snapshot locks: $(grep "has to lock" "$OUT")"

begin "no connection is left"
sql postgres "ALTER SYSTEM RESET max_locks_per_transaction" "ALTER SYSTEM SET max_connections = 6"
sql postgres "ALTER SYSTEM SET superuser_reserved_connections = 0" "ALTER SYSTEM SET max_wal_senders = 0" "ALTER SYSTEM SET wal_level = 'replica'"
crash_cluster && restart_cluster
mkfifo "$WORK/in2"
psql -X -q -d template1 <"$WORK/in2" >/dev/null 2>&1 &
psql -X -q -d template1 <"$WORK/in2" >/dev/null 2>&1 &
exec 7>"$WORK/in2"
two() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'template1'")" = 2 ]; }
wait_until two
sed -i '/^gate/a jobs = 1' belay.ini
finds refuse connections "the server has room for 3 more connections" "max_connections"
grep -q "the run needs 5" "$OUT" || fail "pre-flight does not say how many connections it needs"
belay 3 doctor --json
grep -q "the run needs 5" "$OUT" || fail "doctor does not say how many connections it needs"
sed -i 's/^jobs = 1/jobs = 2/' belay.ini
exec 7>&-
wait
finds refuse connections "the server has room for 5 more connections" "lower \`jobs\`"
sed -i 's/^jobs = 2/jobs = 1/' belay.ini
belay 0 preflight --json
equals "check connections" "$(verdict connections)" ok
