#!/bin/bash
# A run whose machine was believed dead, and was only slow: it was recovered by another belay, and lives on. It changes nothing more.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project

# freeze: the run that was started with start_deploy, of which the server has forgotten every session.
freeze() {
    run=$(basename "$(dirname "$(newest backups journal.ndjson)")")
    kill -STOP "$run_pid"
    sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%$run%'" >/dev/null
}
# thaw: it goes on, notices, and is gone.
thaw() {
    local was
    was=$(state_of bank)
    cp -r "backups/dev/runs/$run" "$WORK/run-before"
    kill -CONT "$run_pid"
    end_deploy 5
    json_is outcome needs_recovery
    json_is error.code locked
    json error.message | grep -F "run $run was taken over by another belay (on $(hostname), process $recoverer)" >/dev/null ||
        fail "it is not told who took the run over"
    equals "state of the database" "$(state_of bank)" "$was"
    diff -r "$WORK/run-before" "backups/dev/runs/$run" || fail "the run's folder was written to"
    rm -rf "$WORK/run-before"
    tidy
    belay 0 recover
    err_has "nothing to recover"
}
# recovered OUTCOME: by another belay.
recovered() {
    LAST="belay recover"
    "$BELAY" recover --json >"$WORK/recovered" 2>"$ERR" </dev/null &
    recoverer=$!
    wait "$recoverer" || fail "recover: $(cat "$ERR")"
    grep -q "\"outcome\": *\"$1\"" "$WORK/recovered" || fail "it is not $1: $(cat "$WORK/recovered")"
}

for header in "Transaction: yes" "Transaction: no"; do
    begin "frozen in a migration ($header), recovered, and another run is done meanwhile"
    fresh
    keys "gate = rename"
    pending_sleep "$header"
    start_deploy deploy --json
    sleeping
    freeze
    if [ "$header" = "Transaction: no" ]; then recovered restored; else recovered untouched; fi
    same_as_before
    find migrations -name '*bbbb00000002*' -delete
    pending_good
    "$BELAY" deploy >"$WORK/other" 2>&1 </dev/null || fail "the other run: $(cat "$WORK/other")"
    thaw
    sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
done

begin "frozen while the application's health is asked"
fresh
keys "gate = rename
stop_command = true
start_command = true
health_command = echo asked >>$WORK/asked; test -e $WORK/well"
pending_good
start_deploy deploy --json
wait_until test -s "$WORK/asked"
freeze
recovered succeeded
touch "$WORK/well"
thaw
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002

cat >"$WORK/intrude" <<'SH'
#!/bin/sh
rm "$1/once" 2>/dev/null || exit 0
echo '{"seq":1000,"at":"2026-01-01T00:00:00Z","kind":"note","act":"takeover","by":"another","host":"elsewhere","pid":7}' >>"$(ls -t backups/dev/runs/*/journal.ndjson | head -n 1)"
SH
chmod 755 "$WORK/intrude"
for verb in deploy restore; do
    begin "another one writes to the journal of a $verb, whoever that is: nothing more is changed"
    fresh
    keys "gate = rename
stop_command = $WORK/intrude $WORK
start_command = touch $WORK/started"
    belay 0 snapshot --json
    id=$(json id)
    pending_good
    touch "$WORK/once"
    if [ $verb = deploy ]; then run_json 5 deploy --json; else run_json 5 restore "$id" --yes --json; fi
    json_is outcome needs_recovery
    json_is error.code locked
    json error.message | grep -F "was taken over by another belay (on elsewhere, process 7)" >/dev/null || fail "it is not told who took the run over"
    [ ! -e "$WORK/started" ] || fail "the application was started"
    [ $verb = deploy ] || databases | grep -q '^bank__belay_new_' || fail "what the other one may go on with was dropped"
    belay 0 recover
    [ -e "$WORK/started" ] || fail "recover did not start the application"
    same_as_before
    tidy
    rm -f "$WORK/started"
done

begin "a run that lives and has its lock is not recovered by another one"
fresh
keys "gate = rename"
pending_sleep
start_deploy deploy --json
sleeping
kill -STOP "$run_pid"
run=$(basename "$(dirname "$(newest backups journal.ndjson)")")
before_run=$(md5sum <"backups/dev/runs/$run/journal.ndjson")
"$BELAY" recover --json >"$WORK/recovered" 2>"$WORK/recover-said" </dev/null && fail "it was recovered"
grep -q "another run holds database" "$WORK/recover-said" || fail "it is not told who holds it: $(cat "$WORK/recover-said")"
equals "its journal" "$(md5sum <"backups/dev/runs/$run/journal.ndjson")" "$before_run"
kill -CONT "$run_pid"
kill -INT "$run_pid"
end_deploy 1
json_is outcome untouched
same_as_before
tidy
