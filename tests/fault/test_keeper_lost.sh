#!/bin/bash
# The session that holds the target's lock is ended while work is under way: from then on another run may hold the target, so
# nothing more is committed, whichever verb it is. (The deploy's own migration: test_interrupts_sessions.sh.)
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project
keys "gate = rename"

keeper="SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
# SQL that goes on when the test drops the role marker.
wait_here="DO \$\$ BEGIN
    WHILE EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'marker') LOOP PERFORM pg_catalog.pg_sleep(0.02); END LOOP; -- waits for the test
END \$\$;"

begin_case() {
    begin "$1"
    fresh
    sql postgres "CREATE ROLE marker"
}
# lose STATUS: once the work of the started call waits, ends its keeper, lets the work go on, expects that exit status.
lose() {
    wait_until holds "count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%waits for the test%' AND pid <> pg_backend_pid()"
    sql postgres "SELECT pg_terminate_backend(pid) FROM ($keeper) s" "DROP ROLE marker" >/dev/null
    end_deploy "$1"
}
pending_waits() {
    printf 'DELETE FROM moves;\n%s\n-- belay: downgrade\nSELECT 1;\n' "$wait_here" |
        add_migration bbbb00000002 aaaa00000001 "Wait" "$@" >"$WORK/file"
}

for verb in "upgrade head" "dev"; do
    begin_case "$verb: nothing is committed, exit 1"
    [ "$verb" != dev ] || keys $'gate = rename\nauto_apply = yes' development
    pending_waits
    # shellcheck disable=SC2086
    start_deploy $verb
    lose 1
    err_has "the connection that holds the lock of database \"bank\" was lost"
    err_has "nothing was committed"
    same_as_before
    keys "gate = rename"
done

begin_case "upgrade, Transaction: no: no statement follows"
printf '%s\nDELETE FROM moves;\n' "$wait_here" | add_migration bbbb00000002 aaaa00000001 "Wait" "Transaction: no" >"$WORK/file"
start_deploy upgrade head
lose 1
err_has "the connection that holds the lock"
sql_is bank "SELECT count(*) FROM moves" 500
sql_is bank "SELECT version_num FROM alembic_version" aaaa00000001

begin_case "downgrade: nothing is committed, exit 1"
printf 'ALTER TABLE moves ADD COLUMN c int;\n-- belay: downgrade\nALTER TABLE moves DROP COLUMN c;\n%s\n' "$wait_here" |
    add_migration bbbb00000002 aaaa00000001 "Wait on the way down" >"$WORK/file"
belay 0 upgrade head
start_deploy downgrade -1
lose 1
err_has "nothing was committed"
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
sql_is bank "SELECT count(*) FROM information_schema.columns WHERE table_name = 'moves' AND column_name = 'c'" 1

begin "stamp: nothing is committed, exit 1"
fresh
pending_good
coproc BLOCKER { PGAPPNAME="blocker" exec psql -X -At -d bank; }
blocker=$BLOCKER_PID
echo "BEGIN; LOCK TABLE alembic_version; SELECT 'locked';" >&"${BLOCKER[1]}"
while read -r line <&"${BLOCKER[0]}" && [ "$line" != locked ]; do :; done
start_deploy stamp head
sleep_on_lock() { holds "count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%alembic_version%'"; }
wait_until sleep_on_lock
sql postgres "SELECT pg_terminate_backend(pid) FROM ($keeper) s" >/dev/null
echo "ROLLBACK;" >&"${BLOCKER[1]}"
kill "$blocker"
wait "$blocker" 2>/dev/null || true
end_deploy 1
err_has "the connection that holds the lock"
sql_is bank "SELECT version_num FROM alembic_version" aaaa00000001
sql_is bank "SELECT count(*) FROM belay.ledger WHERE reason = 'stamp'" 0

begin_case "the downgrade of a deploy that failed: not committed; the run takes the lock again and restores"
keys $'gate = rename\non_failure = downgrade'
printf 'ALTER TABLE moves ADD COLUMN c int;\n-- belay: downgrade\nALTER TABLE moves DROP COLUMN c;\n%s\n' "$wait_here" |
    add_migration bbbb00000002 aaaa00000001 "Wait on the way down" >"$WORK/file"
add_migration cccc00000003 bbbb00000002 "Fail" >"$WORK/file" <<<'SELECT 1 / 0;'
start_deploy deploy --json
lose 4
json_is outcome restored
err_has "no downgrade"
same_as_before
tidy

begin_case "restore --revision, in the migrations on top of the snapshot: not committed, untouched"
keys "gate = rename"
belay 0 snapshot
pending_waits
belay 0 stamp bbbb00000002
sql postgres "ALTER DATABASE bank CONNECTION LIMIT 40"
start_deploy restore --revision bbbb00000002 --yes --json
lose 1
json_is outcome untouched
json_is error.code connection_lost
sql_is bank "SELECT count(*) FROM moves" 500
tidy
