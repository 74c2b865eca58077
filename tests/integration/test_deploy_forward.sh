#!/bin/bash
# Behind verify the way is forward: a start_command that fails, a health check that fails or is interrupted, a run
# killed after the gate opened. Nothing that others wrote since is lost.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project

migrated() {
    sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
    sql_is bank "SELECT count(note) FROM accounts" 200
    equals "database-level state" "$(level_of bank)" "$level_before"
    tidy
}

begin "a start_command that fails: exit 5, the database migrated and open; recover starts again"
fresh
pending_good
keys "gate = rename
accept_loss = yes
stop_command = true
start_command = test -e $WORK/may_start"
run_json 5 deploy --json
json_is error.code process
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
tidy closed
touch "$WORK/may_start"
run_json 0 recover --json
json_is outcome succeeded
migrated

begin "a health check that fails: stopped, exit 5, migrated and open"
fresh
pending_good
keys $'gate = rename\nhealth_command = false\nhealth_retries = 0\nhealth_timeout = 2s'
run_json 5 deploy --json
json_is outcome stopped
json_is error.code health
err_has "belay restore $(json snapshot)"
migrated
belay 0 deploy

begin "on_unhealthy = restore needs an accepted loss"
fresh
pending_good
keys $'gate = rename\nhealth_command = false\nhealth_retries = 0\nhealth_timeout = 2s\non_unhealthy = restore'
run_json 5 deploy --json
err_has "a restore loses what was written since"
err_has "nothing that the statistics know of"
migrated
fresh
pending_good
sed -i "s/^health_command = .*/health_command = psql -X -q -d bank -c 'INSERT INTO accounts VALUES (1000, 1, 1)' || true; sleep 0.6; false/" belay.ini # 14 counts half a second late
run_json 4 deploy --accept-loss --json
err_has "public.accounts: at least 1 inserted, 0 updated, 0 deleted"
json_is outcome restored
same_as_before
tidy

begin "Ctrl-C in the health check: stopped, exit 5, not restored"
fresh
pending_good
mkfifo "$WORK/health"
keys "gate = rename
health_command = cat $WORK/health
on_unhealthy = restore
accept_loss = yes"
start_deploy deploy --json
exec 8>"$WORK/health"
kill -INT "$run_pid"
end_deploy 5
exec 8>&-
json_is outcome stopped
migrated

begin "killed behind the opened gate: recover goes forward, whatever others wrote since"
if [ -e "${BELAY_TESTS:-}/killer.so" ]; then
    cp "$BELAY_TESTS/killer.so" "$WORK/killer.so" # LD_PRELOAD cannot hold a path with a space
    fresh
    pending_good
    keys $'gate = rename\naccept_loss = yes'
    belay 0 deploy
    at=$(grep -n '"kind":"done","act":"gate.open"' "$(find backups -name journal.ndjson)" | cut -d: -f1)
    fresh
    pending_good
    status=0
    { LD_PRELOAD=$WORK/killer.so KILLER_AT=$at "$BELAY" deploy >"$OUT" 2>"$ERR" </dev/null; } 2>/dev/null || status=$?
    equals "status of the killed run" "$status" 137
    sql bank "INSERT INTO accounts SELECT 1000, 'new', 1" # its note is NULL, and there are 201 accounts
    sql bank "UPDATE accounts SET note = 'x' WHERE id = 1000"
    run_json 0 recover --json
    json_is outcome succeeded
    sql_is bank "SELECT owner FROM accounts WHERE id = 1000" new
    tidy
fi
