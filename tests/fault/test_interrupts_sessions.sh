#!/bin/bash
# A deploy in the middle of its work: Ctrl-C, its sessions ended, the database dropped, an application that reconnects.
# Whatever comes, the run ends in a named state with its exit status, and nothing of it is left.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project

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
twin=$(databases | grep '^bank__belay_twin_[0-9a-f]*$') || fail "the only copy of the database was dropped"
belay 5 recover
err_has "its copy of before is the database \"$twin\""
belay 3 prune --databases --days 0 --yes
equals "twin" "$(databases | grep twin)" "$twin"
belay 0 restore "$snapshot" --yes
belay 0 prune --databases --days 0 --yes
same_as_before
tidy

begin "an application that reconnects in a loop while the gate closes"
fresh
pending_good
for _ in 1 2 3; do
    (while [ ! -e "$WORK/enough" ]; do
        PGAPPNAME="test" psql -X -d bank -c "BEGIN" -c "SELECT count(*) FROM moves" -c "SELECT pg_sleep(1)" >/dev/null 2>&1 || true
    done) &
done
wait_until holds "count(*) > 0 FROM pg_stat_activity WHERE datname = 'bank'"
belay 0 deploy
touch "$WORK/enough"
wait
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
tidy
