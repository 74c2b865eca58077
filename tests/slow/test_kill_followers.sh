#!/bin/bash
# A restoring deploy of a database with a subscription, killed after every record of its journal: after recover the
# subscription is in the database, enabled, and every row of the publisher is there once.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
[ -e "${BELAY_TESTS:?}/killer.so" ] || skip "killer.so is not part of this build (sanitizers)"
export PGOPTIONS="-c client_min_messages=warning"
cp "$BELAY_TESTS/killer.so" "$WORK/killer.so"
start_cluster pub
PUB=$PGHOST
start_cluster
PGHOST=$PUB sql postgres "CREATE DATABASE source"
pub() { PGHOST=$PUB sql source "$@"; }
pub "CREATE TABLE feed (id integer PRIMARY KEY)" "CREATE PUBLICATION feed FOR TABLE feed" "INSERT INTO feed VALUES (1)"
PROJECT_KEYS="gate = rename" make_empty_project bank staging
add_migration aaaa00000001 "" "Make feed" >"$WORK/file" <<<"CREATE TABLE feed (id integer PRIMARY KEY);"
belay 0 upgrade head
add_migration bbbb00000002 aaaa00000001 "Commit half, then fail" "Transaction: no" >"$WORK/file" <<SQL
CREATE TABLE half (id integer);
COPY (SELECT 1) TO PROGRAM 'psql -X -q -h $PUB -U postgres -d source -c "INSERT INTO feed SELECT max(id) + 1 FROM feed"';
SELECT 1 / 0;
SQL
sql bank "CREATE SUBSCRIPTION sub CONNECTION 'host=$PUB user=postgres dbname=source' PUBLICATION feed"
ready() { [ "$(psql -X -At -d bank -c "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel
    JOIN pg_subscription s ON s.oid = srsubid")" = t ]; }
wait_until ready

arrived() { [ "$(psql -X -At -d bank -c "SELECT count(*), max(id) FROM feed")" = "$(pub "SELECT count(*), max(id) FROM feed")" ]; }
whole() {
    pub "INSERT INTO feed SELECT max(id) + 1 FROM feed"
    wait_until arrived
    sql_is postgres "SELECT datname, subname, subenabled, subslotname FROM pg_subscription JOIN pg_database d ON d.oid = subdbid" "bank|sub|t|sub"
    sql_is bank "SELECT to_regclass('half') IS NULL, version_num FROM alembic_version" "t|aaaa00000001"
    PGHOST=$PUB sql_is source "SELECT string_agg(slot_name, ',') FROM pg_replication_slots" sub
    local name
    for name in $(databases); do
        case $name in
        bank | source) ;;
        bank__belay_failed_*) sql postgres "DROP DATABASE \"$name\"" ;;
        *) fail "left over: $name" ;;
        esac
    done
}

begin "an undisturbed run"
belay 4 deploy --subscriptions=disable
whole
rm -rf backups "$WORK/calls"
KILLER_ON=call KILLER_LOG=$WORK/calls LD_PRELOAD=$WORK/killer.so belay 4 deploy --subscriptions=disable
whole
calls=$(tail -n 1 "$WORK/calls")
records=$(wc -l <"$(find backups -name journal.ndjson)")
[ "$records" -gt 20 ] || fail "only $records records"

# struck ON AT: a run that is killed there, and what recover makes of it
struck() {
    local at=$2 status=0 last
    CASE="killed after $1 $at"
    rm -rf backups
    { LD_PRELOAD=$WORK/killer.so KILLER_ON=$1 KILLER_AT=$at "$BELAY" deploy --subscriptions=disable >"$OUT" 2>"$ERR" </dev/null; } 2>/dev/null || status=$?
    if [ "$status" -eq 137 ]; then
        last=$(tail -n 1 "$(find backups -name journal.ndjson)" | grep -o '"kind":"[a-z]*","act":"[^"]*"')
        belay 0 recover --json
        echo "- $at: $last: $(json outcome)"
    else
        equals "status" "$status" 4
    fi
    whole
}
for ((at = 1; at <= records; at++)); do struck journal "$at"; done
# Statements to the servers, from before the swap to the end: the move itself has many between two records.
for ((at = calls - ${LAST_CALLS:-75}; at <= calls; at++)); do struck call "$at"; done
