#!/bin/bash
# What the user's policy makes of a failure: on_failure, gate = none and its loss; the lock; unfinished runs; recover.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project

begin "on_failure = downgrade: exit 4, downgraded"
fresh
pending_second_fails
keys $'gate = rename\non_failure = downgrade'
run_json 4 deploy --json
json_is outcome downgraded
json_is kept null
sql_is bank "SELECT version_num FROM alembic_version" aaaa00000001
same_as_before
tidy

begin "on_failure = downgrade, and the revision has no downgrade section: restored instead"
fresh
pending_half
run_json 4 deploy --json
json_is outcome restored
same_as_before
tidy

begin "on_failure = stop: exit 5, the gate stays closed; recover --keep keeps what was migrated"
fresh
pending_second_fails
keys $'gate = rename\non_failure = stop'
run_json 5 deploy --json
json_is outcome stopped
err_has "recover --target dev --accept-loss"
err_has "recover --target dev --keep"
! databases | grep -qx bank || fail "the gate is open"
tidy closed
run_json 5 deploy --json
json_is error.code unfinished_run
json_is outcome refused
run_json 0 recover --keep --json
json_is outcome succeeded
json_is to '["bbbb00000002"]'
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
sql_is bank "SELECT count(note) FROM accounts" 200
equals "database-level state" "$(level_of bank)" "$level_before"
tidy

begin "on_failure = stop: recover alone asks again, recover --accept-loss restores"
fresh
pending_second_fails
run_json 5 deploy --json
run_json 5 recover --json
json_is outcome stopped
! databases | grep -qx bank || fail "the gate is open"
run_json 0 recover --accept-loss --json
json_is outcome restored
same_as_before
tidy

begin "on_failure = stop, a failure that committed nothing: untouched all the same"
fresh
pending_transaction
run_json 1 deploy --json
json_is outcome untouched
same_as_before
tidy

begin "gate = none: untouched leaves everybody's rows alone"
fresh
pending_transaction
keys "gate = none"
run_json 1 deploy --json
json_is outcome untouched
same_as_before
tidy

begin "gate = none, nobody accepts the loss: exit 5, nothing restored, the hint says what to type"
fresh
pending_half
run_json 5 deploy --json
json_is outcome needs_recovery
json error.hint | grep "recover --target dev --accept-loss" >/dev/null || fail "no hint"
err_has "the gate was open; a restore loses"
sql_is bank "SELECT count(*) FROM moves" 250
tidy closed
run_json 5 deploy --json
json_is error.code unfinished_run
run_json 5 recover --json
sql_is bank "SELECT count(*) FROM moves" 250
run_json 0 recover --accept-loss --json
json_is outcome restored
same_as_before
tidy

begin "gate = none, the loss is accepted on the command line, and by the target's key"
fresh
pending_half
run_json 4 deploy --accept-loss --json
json_is outcome restored
err_has "public.moves: at least"
same_as_before
tidy
fresh
add_migration bbbb00000002 aaaa00000001 "Drop a table, then fail" "Transaction: no" >"$WORK/file" <<'SQL'
DROP TABLE moves;
SELECT 1 / 0;
SQL
run_json 4 deploy --accept-loss --json
err_has "public.moves: unknown, the table is not there any more"
same_as_before
tidy
fresh
pending_half
keys $'gate = none\naccept_loss = yes'
run_json 4 deploy --json
json_is outcome restored
same_as_before
tidy

begin "gate = none: recover --keep keeps what was migrated"
fresh
pending_half
keys "gate = none"
belay 5 deploy
run_json 0 recover --keep --json
json_is outcome succeeded
sql_is bank "SELECT count(*) FROM moves" 250
tidy

begin "a second run while one holds the lock: exit 6, with pid and host"
fresh
keys "gate = rename"
pending_sleep
start_deploy deploy
first_pid=$run_pid
sleeping
cp "$OUT" "$WORK/first.out"
OUT=$WORK/out2 ERR=$WORK/err2
run_json 6 deploy --json
json_is outcome refused
json_is error.code locked
json error.message | grep "$(hostname)" >/dev/null || fail "the holder's host is not named"
json error.message | grep -E "server process [0-9]+" >/dev/null || fail "the holder's pid is not named"
belay 6 recover
belay 6 restore 2026 --yes
for verb in current verify check snapshot "history -i" preflight "rehearse --fresh"; do
    # shellcheck disable=SC2086
    belay 6 $verb --json
    json_is error.code locked
    json error.message | grep -E "$(hostname), server process [0-9]+ of role postgres, .* for [0-9]+ s" >/dev/null || fail "the holder is not named"
done
belay 3 doctor
out_has "another run holds database \"bank\""

begin "killed: an unfinished run refuses the next deploy, recover ends it, deploy works again"
kill -KILL "$first_pid"
wait "$first_pid" 2>/dev/null || true
wait_until holds "count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'"
run_json 5 deploy --json
json_is outcome refused
json_is error.code unfinished_run
json_is error.hint "type: belay recover --target dev"
json error.message | grep "$(hostname)" >/dev/null || fail "where the run was begun is not named"
run_json 0 recover --json
json_is outcome untouched
same_as_before
tidy
belay 0 recover
err_has "nothing to recover"
rm migrations/*bbbb00000002*
pending_good
belay 0 deploy
tidy

begin "killed after it committed something: recover restores"
fresh
pending_sleep "Transaction: no"
start_deploy deploy
sleeping
kill -KILL "$run_pid"
wait "$run_pid" 2>/dev/null || true
run_json 0 recover --json
json_is outcome restored
same_as_before
tidy

begin "killed while the application was stopped: recover starts it"
fresh
pending_sleep
rm -f "$WORK/story"
umask 022
keys "gate = rename
stop_command = echo stop >>$WORK/story
start_command = echo start >>$WORK/story"
start_deploy deploy
sleeping
kill -KILL "$run_pid"
wait "$run_pid" 2>/dev/null || true
belay 0 recover
equals "the commands" "$(paste -sd' ' "$WORK/story")" "stop start"
equals "made under the user's umask" "$(stat -c %a "$WORK/story")" 644
same_as_before
tidy

begin "neither twin nor snapshot: refused, nothing changed"
fresh
pending_good
keys $'gate = none\nway_back = twin\nsnapshot = no'
status=0
"$BELAY" deploy --json >"$OUT" 2>"$ERR" </dev/null || status=$?
case $status in
3) json_is outcome refused ;;
0) ls backups/dev/*.tar >/dev/null || fail "deployed without a way back" ;;
*) fail "status $status" ;;
esac
tidy
