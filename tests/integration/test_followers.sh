#!/bin/bash
# Followers of a database: a real subscription, a logical slot and a hot standby, through deploys that succeed, fail,
# restore and are killed. Nothing is lost, received twice, or left with the old database unsaid.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
export PGAPPNAME=test PGOPTIONS="-c client_min_messages=warning"
start_cluster pub
PUB=$PGHOST
start_cluster
start_standby standby
STANDBY=$(cluster_host standby)

pub() { PGHOST=$PUB sql source "$@"; }
at_standby() { PGHOST=$STANDBY sql "$@"; }

pub_rows=0
# sent N: N more rows at the publisher
sent() {
    pub "INSERT INTO feed SELECT i FROM generate_series($((pub_rows + 1)), $((pub_rows + $1))) i"
    pub_rows=$((pub_rows + $1))
}
# all_arrive: every row of the publisher is in bank, once, and stays the last word
all_arrive() {
    wait_until arrived
    sql_is bank "SELECT count(*), count(DISTINCT id), max(id) FROM feed" "$pub_rows|$pub_rows|$pub_rows"
}
arrived() { [ "$(psql -X -At -d bank -c "SELECT count(*) FROM feed")" = "$pub_rows" ]; }

subscription_is() {
    sql_is bank "SELECT subname, subenabled, subslotname FROM pg_subscription
        WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = 'bank')" "$1"
}
kept() { sql postgres "SELECT datname FROM pg_database WHERE datname LIKE 'bank\_\_belay\_failed\_%' ORDER BY oid DESC LIMIT 1"; }
drop_kept() {
    local name
    name=$(kept)
    sql postgres "DROP DATABASE \"$name\" WITH (FORCE)"
}

PGHOST=$PUB sql postgres "CREATE DATABASE source"
pub "CREATE TABLE feed (id integer PRIMARY KEY)" "CREATE PUBLICATION feed FOR TABLE feed"
PROJECT_KEYS="gate = rename" make_empty_project bank staging
add_migration aaaa00000001 "" "Make feed" >"$WORK/file" <<'SQL'
CREATE TABLE feed (id integer PRIMARY KEY);
CREATE TABLE own (id integer PRIMARY KEY);
INSERT INTO own SELECT generate_series(1, 100);
SQL
belay 0 upgrade head

# half ID: a pending revision that commits, makes the publisher send a row meanwhile, and fails
half() {
    add_migration "$1" "$2" "Commit half, then fail" "Transaction: no" >"$WORK/file" <<SQL
DELETE FROM own WHERE id % 2 = 0;
COPY (SELECT 1) TO PROGRAM 'psql -X -q -h $PUB -U postgres -d source -c "INSERT INTO feed SELECT max(id) + 1 FROM feed"';
SELECT 1 / 0;
SQL
    pub_rows=$((pub_rows + 1))
}
no_half() { rm "$(cat "$WORK/file")"; }

STANDBYS=(--standbys=end-sessions --standby "host=$STANDBY")

begin "nothing is assumed: each kind refuses until it is said what becomes of it"
belay 0 snapshot
early=$(basename "$(find backups -name '*.tar' | sort | tail -n 1)" .tar)
sent 3
sql bank "CREATE SUBSCRIPTION sub CONNECTION 'host=$PUB user=postgres dbname=source' PUBLICATION feed"
all_arrive
ready() { [ "$(psql -X -At -d bank -c "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel")" = t ]; }
wait_until ready
sql bank "SELECT pg_create_logical_replication_slot('reader', 'test_decoding')" >/dev/null
add_migration bbbb00000002 aaaa00000001 "Not while rows come in" >"$WORK/file" <<'SQL'
DO $$ BEGIN IF (SELECT bool_or(subenabled) FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database()) THEN RAISE 'rows come in'; END IF; END $$;
ALTER TABLE own ADD COLUMN note text;
-- belay: downgrade
ALTER TABLE own DROP COLUMN note;
SQL
belay 3 deploy
err_has "subscription sub writes to this database"
err_has "logical replication slot reader reads this database"
err_has "replays this server"
belay 3 deploy --subscriptions=disable --logical-slots=drop
err_lacks "subscription sub writes"
err_has "--standby 'host=... port=...'"
subscription_is "sub|t|sub"
belay 2 deploy --subscriptions=drop
err_has "--subscriptions is disable or keep"
belay 2 deploy --standby host=x
belay 3 deploy --subscriptions=disable --logical-slots=keep --standbys=end-sessions --standby "host=$PUB"
err_has "no standby of the target's"
belay 3 deploy --subscriptions=disable --logical-slots=keep --standbys=end-sessions
err_has "and 0 can be reached"
belay 0 help deploy
out_has "disable: for the run, and move them along when it restores; or keep (default: refuse)"
out_has "end-sessions: those on hot standbys"

begin "rehearse and prove: a copy has no subscription, and can be dropped"
belay 0 rehearse
sql_is postgres "SELECT count(*) FROM pg_database WHERE datname LIKE '%\_\_belay\_%'" 0

begin "a session on the standby reads on while nothing is deployed"
mkfifo "$WORK/in"
PGHOST=$STANDBY psql -X -q -At -d bank <"$WORK/in" >"$WORK/reader" 2>&1 &
exec 7>"$WORK/in"
echo "BEGIN; SELECT count(*) FROM own; SELECT pg_backend_pid();" >&7
reading() { [ "$(PGHOST=$STANDBY psql -X -At -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'bank%'")" = "${1:-1}" ]; }
wait_until reading

begin "a deploy that succeeds: no rows during it, all of them afterwards; the slot is untouched, the standby's session ended"
belay 0 deploy --subscriptions=disable --logical-slots=drop "${STANDBYS[@]}" --json
json_is outcome succeeded
err_has "subscription sub is enabled again"
subscription_is "sub|t|sub"
sent 2
all_arrive
sql_is postgres "SELECT slot_name FROM pg_replication_slots WHERE slot_type = 'logical'" reader
wait_until reading 0
exec 7>&-
replayed() { [ "$(PGHOST=$STANDBY psql -X -At -d bank -c "SELECT version_num FROM alembic_version")" = bbbb00000002 ]; }
wait_until replayed

begin "a deploy that fails in its transaction: untouched, enabled again"
add_migration cccc00000003 bbbb00000002 "Fail" >"$WORK/file" <<<"SELECT 1 / 0;"
belay 1 deploy --subscriptions=disable --logical-slots=drop --standbys=keep
subscription_is "sub|t|sub"
sent 1
all_arrive
sql_is postgres "SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical'" 1
no_half

begin "restored from the twin: the subscription goes on where it was, the slot is dropped with the SQL that makes it again"
half cccc00000003 bbbb00000002
PGHOST=$STANDBY psql -X -q -At -d bank <"$WORK/in" >"$WORK/reader" 2>&1 &
exec 7>"$WORK/in"
echo "SELECT count(*) FROM own;" >&7
wait_until reading
belay 4 deploy --subscriptions=disable --logical-slots=drop "${STANDBYS[@]}" --json
json_is outcome restored
subscription_is "sub|t|sub"
sent 2
all_arrive
sql_is bank "SELECT count(*) FROM own" 100
err_has "subscription sub goes on in the restored database"
sql_is postgres "SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'logical'" 0
again=$(grep -o "SELECT pg_create_logical_replication_slot.*" "$ERR" | head -n 1)
equals "the SQL" "$again" "SELECT pg_create_logical_replication_slot('reader', 'test_decoding', false)"
sql bank "$again" >/dev/null
wait_until reading 0
exec 7>&-
at_standby bank "SELECT count(*) FROM own" | grep -x 100 >/dev/null || fail "the standby has not the restored rows"
drop_kept

begin "restored from the snapshot, everything kept: said what stays with the old database"
PROJECT_KEYS=$'gate = rename\nway_back = verified' write_project bank staging
pub_rows=$((pub_rows + 1))
rm -f "$WORK/in"
mkfifo "$WORK/in"
PGHOST=$STANDBY psql -X -q -At -d bank <"$WORK/in" >"$WORK/reader" 2>&1 &
exec 7>"$WORK/in"
echo "SELECT count(*) FROM own;" >&7
wait_until reading
belay 4 deploy --ignore-followers --json
json_is outcome restored
subscription_is "sub|f|sub"
err_has "subscription sub is in bank as the snapshot has it, not connected and disabled"
err_has "slot \"sub\" at the publisher is that of subscription sub in $(kept) too"
err_has "logical replication slot reader stays with $(kept) and holds back WAL"
err_has "may still read the old database"
reading || fail "the session on the standby is gone"
sql postgres "SELECT pg_drop_replication_slot('reader')" "ALTER DATABASE \"$(kept)\" ALLOW_CONNECTIONS true" >/dev/null
sql "$(kept)" "ALTER SUBSCRIPTION sub DISABLE" "ALTER SUBSCRIPTION sub SET (slot_name = NONE)" "DROP SUBSCRIPTION sub"
drop_kept
wait_until reading 0 # the drop is replayed, which ends it
exec 7>&-
sql bank "TRUNCATE feed" "ALTER SUBSCRIPTION sub ENABLE" "ALTER SUBSCRIPTION sub REFRESH PUBLICATION"
all_arrive
wait_until ready

begin "killed after the disabling: recover enables again"
no_half
add_migration cccc00000003 bbbb00000002 "Sleep" >"$WORK/file" <<<"SELECT pg_sleep(300);"
"$BELAY" deploy --subscriptions=disable --standbys=keep >"$OUT" 2>"$ERR" </dev/null &
run_pid=$!
sleeping() { [ "$(psql -X -At -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid()")" = 1 ]; }
wait_until sleeping
kill -9 $run_pid
{ wait $run_pid; } 2>/dev/null || true
sql_is postgres "SELECT subenabled FROM pg_subscription" f
sent 2
belay 0 recover --json
json_is outcome untouched
subscription_is "sub|t|sub"
all_arrive
no_half

begin "restored from the snapshot; killed right after the swap: recover moves the subscription"
half cccc00000003 bbbb00000002
belay 4 deploy --subscriptions=disable --standbys=keep
all_arrive
subscription_is "sub|t|sub"
drop_kept
if [ -e "${BELAY_TESTS:?}/killer.so" ]; then
    cp "$BELAY_TESTS/killer.so" "$WORK/killer.so"
    journal=$(find backups -name journal.ndjson | sort | tail -n 1)
    at=$(grep -n '"kind":"done","act":"gate.swap"' "$journal" | cut -d: -f1)
    [ -n "$at" ] || fail "no swap in $journal"
    pub_rows=$((pub_rows + 1))
    status=0
    LD_PRELOAD=$WORK/killer.so KILLER_AT=$at "$BELAY" deploy --subscriptions=disable --standbys=keep >"$OUT" 2>"$ERR" </dev/null || status=$?
    equals "status" "$status" 137
    sql_is postgres "SELECT datname LIKE '%failed%' FROM pg_subscription JOIN pg_database d ON d.oid = subdbid" t
    sent 1
    belay 0 recover --json
    json_is outcome restored
    subscription_is "sub|t|sub"
    all_arrive
    drop_kept
fi
no_half

begin "a manual restore makes the snapshot's subscription, not connected, and says how to begin with it"
sql bank "COMMENT ON SUBSCRIPTION sub IS 'from the source'"
belay 0 snapshot
id=$(basename "$(find backups -name '*.tar' | sort | tail -n 1)" .tar)
sent 2
all_arrive
belay 3 restore "$id" --yes
err_has "subscription sub writes to this database"
subscription_is "sub|t|sub"
belay 0 restore "$id" --yes --subscriptions=disable --standbys=keep
subscription_is "sub|f|sub"
sql_is bank "SELECT obj_description(s.oid, 'pg_subscription') FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid WHERE datname = 'bank'" "from the source"
err_has "subscription sub is in bank as the snapshot has it, not connected and disabled"
err_has "to begin: empty the tables that it fills, ALTER SUBSCRIPTION \"sub\" ENABLE; ALTER SUBSCRIPTION \"sub\" REFRESH PUBLICATION"
err_has "slot \"sub\" at the publisher is that of subscription sub in $(kept) too"
err_lacks "subscription sub stays with"
sql_is postgres "SELECT DISTINCT subenabled FROM pg_subscription" f
sql_is bank "SELECT count(*) FROM feed" $((pub_rows - 2))
belay 0 verify

begin "what was said begins it: no row is missing and none comes twice; the old database goes when it has let go"
belay 0 prune --databases --days 0 --yes
err_has "has a subscription, so it cannot be dropped and stays. To let go of it: ALTER DATABASE \"$(kept)\" ALLOW_CONNECTIONS true; and in it: ALTER SUBSCRIPTION \"sub\" DISABLE"
old=$(kept)
sql postgres "ALTER DATABASE \"$old\" ALLOW_CONNECTIONS true"
sql "$old" "ALTER SUBSCRIPTION sub DISABLE" "ALTER SUBSCRIPTION sub SET (slot_name = NONE)" "DROP SUBSCRIPTION sub"
belay 0 prune --databases --days 0 --yes
sql_is postgres "SELECT count(*) FROM pg_database WHERE datname = '$old'" 0
sql bank "TRUNCATE feed" "ALTER SUBSCRIPTION sub ENABLE" "ALTER SUBSCRIPTION sub REFRESH PUBLICATION"
sent 2
all_arrive
wait_until ready

# killed_at ACT: the last restore once more, killed behind the record that ACT is done, and recovered
killed_at() {
    local journal at status=0
    journal=$(find backups -name journal.ndjson | sort | tail -n 1)
    at=$(grep -n "\"kind\":\"done\",\"act\":\"$1\"" "$journal" | cut -d: -f1)
    [ -n "$at" ] || fail "no $1 in $journal"
    LD_PRELOAD=$WORK/killer.so KILLER_AT=$at "$BELAY" restore "$id" --yes --subscriptions=disable --standbys=keep >"$OUT" 2>"$ERR" </dev/null || status=$?
    equals "status" "$status" 137
    subscription_is ""
    belay 0 recover --json
    json_is outcome restored
    subscription_is "sub|f|sub"
    err_has "subscription sub is in bank as the snapshot has it"
}
drop_bank() {
    sql bank "ALTER SUBSCRIPTION sub DISABLE" "ALTER SUBSCRIPTION sub SET (slot_name = NONE)" "DROP SUBSCRIPTION sub"
    sql postgres "DROP DATABASE bank WITH (FORCE)"
}
begin "killed right after the swap of a restore: recover makes it"
belay 0 restore "$id" --yes --subscriptions=disable --standbys=keep
[ ! -e "${BELAY_TESTS:?}/killer.so" ] || killed_at gate.swap

begin "a deploy that restores moves one that nobody has begun as it is, so that its tables are copied when somebody does"
half cccc00000003 bbbb00000002
belay 4 deploy --subscriptions=disable --standbys=keep
subscription_is "sub|f|sub"
err_has "subscription sub goes on in the restored database, disabled as it was"
sql bank "TRUNCATE feed" "ALTER SUBSCRIPTION sub ENABLE" "ALTER SUBSCRIPTION sub REFRESH PUBLICATION"
all_arrive
wait_until ready
no_half

begin "a snapshot from before the subscription: it stays with the old database, and what would make it is said"
belay 0 restore "$early" --yes --subscriptions=disable --standbys=keep
subscription_is ""
err_has "subscription sub stays with $(kept); in bank it would be: CREATE SUBSCRIPTION sub CONNECTION '...' PUBLICATION feed WITH (slot_name = 'sub', create_slot = false)"

begin "the database is gone: the restore makes it anew with its subscription, also when it is killed in between"
sql postgres "DROP DATABASE bank WITH (FORCE)"
belay 0 restore "$id" --yes
subscription_is "sub|f|sub"
drop_bank
if [ -e "${BELAY_TESTS:?}/killer.so" ]; then killed_at restore.name; else belay 0 restore "$id" --yes; fi

begin "another target's snapshot makes none, and says so"
cat >>belay.ini <<INI
[target.other]
environment = staging
host = $PGHOST
user = postgres
dbname = other
store = local
INI
belay 0 restore "$id" -t other --from dev --yes
err_has "subscription sub of the snapshot is not made, since its slot is that of target dev; by hand it would be: CREATE SUBSCRIPTION sub CONNECTION '...' PUBLICATION feed WITH (connect = false, slot_name = 'sub'"
sql_is other "SELECT count(*) FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid WHERE datname = 'other'" 0

begin "a role that may not make it is told before, and restores all else"
drop_bank
sql postgres "CREATE ROLE limited LOGIN CREATEDB"
sed -i '0,/^user = postgres/s//user = limited\nrole_map = postgres=limited/' belay.ini
belay 0 restore "$id" --yes
err_has "this role may not create the snapshot's subscriptions (sub): all else is restored"
err_has "subscription sub could not be made in bank"
err_has "by hand: CREATE SUBSCRIPTION sub CONNECTION '...'"
subscription_is ""
sql_is bank "SELECT count(*) > 0 FROM feed" t
