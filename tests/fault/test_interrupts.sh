#!/bin/bash
# Ctrl-C and SIGTERM at every stage of a deploy; sessions ended and the database dropped under it. Whatever comes, the
# run ends in a named state with its exit status, and nothing of it is left.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
KILLER=${BELAY_TESTS:?}/killer.so
[ -e "$KILLER" ] || skip "killer.so is not part of this build (sanitizers)"
start_cluster
bank_project

# look STATUS: the answer, the exit status and the database agree; with exit 5 recover brings it there.
look() {
    local outcome
    outcome=$(json outcome)
    echo "  $outcome, exit $1"
    case $outcome in
    succeeded) equals "exit status" "$1" 0 ;;
    untouched) equals "exit status" "$1" 1 ;;
    restored | downgraded) equals "exit status" "$1" 4 ;;
    needs_recovery | stopped)
        equals "exit status" "$1" 5
        tidy closed
        belay 0 recover --json
        outcome=$(json outcome)
        echo "  recover: $outcome"
        ;;
    *) fail "no such outcome for a deploy that began: $outcome" ;;
    esac
    if [ "$outcome" = succeeded ]; then
        sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
        equals "database-level state" "$(level_of bank)" "$level_before"
    else
        same_as_before
    fi
    tidy
}

# deploy_under COMMAND N: COMMAND runs while the N-th record of the journal is written.
deploy_under() {
    local status=0
    LAST="belay deploy --json, and at record $2: $1"
    { KILLER_CMD=$1 KILLER_AT=$2 LD_PRELOAD=$KILLER timeout -s KILL 60 "$BELAY" deploy --json >"$OUT" 2>"$ERR" </dev/null; } 2>/dev/null || status=$?
    look "$status"
}

# each_stage COMMAND KIND: at the begin of each stage that an undisturbed run has.
each_stage() {
    local number name
    fresh
    "pending_$2"
    "$BELAY" deploy >"$OUT" 2>"$ERR" </dev/null || true
    grep -n '"kind":"stage".*"state":"begin"' "$(find backups -name journal.ndjson)" |
        sed 's/^\([0-9]*\):.*"act":"\([a-z]*\)".*/\1 \2/' >"$WORK/stages"
    [ "$(wc -l <"$WORK/stages")" -ge 3 ] || fail "the journal has no stages"
    while read -r number name <&9; do
        begin "$2: $3 at stage \"$name\""
        fresh
        "pending_$2"
        deploy_under "$1" "$number"
    done 9<"$WORK/stages"
}

# system(3) ignores SIGINT while the command runs, so it is sent as soon as that is over.
# shellcheck disable=SC2016
interrupt='p=$PPID; (while [ $((0x$(sed -n "s/^SigIgn:\t//p" /proc/$p/status) & 2)) -ne 0 ]; do :; done; kill -INT $p) >/dev/null 2>&1 &'
keys "gate = rename
stop_command = true
start_command = true"
each_stage "$interrupt" good SIGINT
keys $'gate = rename\nway_back = proven'
# shellcheck disable=SC2016
each_stage 'kill -TERM $PPID' half SIGTERM
keys "gate = none"
# shellcheck disable=SC2016
each_stage 'kill -TERM $PPID' good SIGTERM

# while_sleeping: a deploy whose migration sleeps; then do what comes next, and call woken.
while_sleeping() {
    fresh
    pending_sleep "$@"
    start_deploy deploy --json
    sleeping
}
woken() {
    local status=0
    wait "$run_pid" 2>/dev/null || status=$?
    look "$status"
}
keys "gate = rename"
# The sessions of the run that sleeps in its migration.
work="SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid()"
keeper="SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"

for signal in INT TERM; do
    begin "SIG$signal in the middle of a statement, in a transaction"
    while_sleeping
    kill -"$signal" "$run_pid"
    woken
    json_is outcome untouched
    json_is error.code cancelled
    begin "SIG$signal in the middle of a statement, behind a committed one"
    while_sleeping "Transaction: no"
    kill -"$signal" "$run_pid"
    woken
    json_is outcome restored
done

begin "Ctrl-C while the stop_command runs"
fresh
pending_good
mkfifo "$WORK/fifo"
keys "gate = rename
stop_command = cat $WORK/fifo
start_command = echo start >>$WORK/story"
start_deploy deploy --json
exec 8>"$WORK/fifo"
kill -INT "$run_pid"
status=0
wait "$run_pid" 2>/dev/null || status=$?
exec 8>&-
look "$status"
json_is outcome untouched
equals "the application" "$(cat "$WORK/story")" start

keys "gate = rename"
begin "the work session is ended in a transaction"
while_sleeping
sql postgres "SELECT pg_terminate_backend(pid) FROM ($work) s" >/dev/null
woken
json_is outcome untouched

begin "the work session is ended behind a committed statement"
while_sleeping "Transaction: no"
sql postgres "SELECT pg_terminate_backend(pid) FROM ($work) s" >/dev/null
woken
json_is outcome restored

begin "the keeper is ended in the middle of a transaction: nothing commits afterwards"
fresh
sql postgres "CREATE ROLE marker"
add_migration bbbb00000002 aaaa00000001 "Go on when the test says so" >"$WORK/file" <<'SQL'
DELETE FROM moves;
DO $$
BEGIN
    -- waiting for the test, which drops the role
    WHILE EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'marker') LOOP PERFORM pg_catalog.pg_sleep(0.02); END LOOP;
END
$$;
SQL
start_deploy deploy --json
wait_until holds "count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%waiting for the test%' AND pid <> pg_backend_pid()"
sql postgres "SELECT pg_terminate_backend(pid) FROM ($keeper) s" "DROP ROLE marker" >/dev/null
woken
json_is outcome untouched
json_is error.code connection_lost

begin "the database is dropped meanwhile"
while_sleeping
private=$(databases | grep '^bank__belay_[0-9a-f]*$')
sql postgres "DROP DATABASE $private WITH (FORCE)"
status=0
wait "$run_pid" 2>/dev/null || status=$?
equals "exit status" "$status" 5
snapshot=$(json snapshot)
tidy closed
belay 5 recover
err_has "belay restore $snapshot"
belay 0 restore "$snapshot" --yes
same_as_before
tidy

begin "an application that reconnects in a loop while the gate closes"
fresh
pending_good
for _ in 1 2 3; do
    (while [ ! -e "$WORK/enough" ]; do
        PGAPPNAME=test psql -X -d bank -c "BEGIN" -c "SELECT count(*) FROM moves" -c "SELECT pg_sleep(1)" >/dev/null 2>&1 || true
    done) &
done
wait_until holds "count(*) > 0 FROM pg_stat_activity WHERE datname = 'bank'"
belay 0 deploy
touch "$WORK/enough"
wait
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
tidy
