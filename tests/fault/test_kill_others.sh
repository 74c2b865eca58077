#!/bin/bash
# SIGKILL of what has no journal, at one in some of its calls to server and store: snapshot, prove, rehearse, and the bare
# upgrade. The target is as it was; what is left goes with the next command, `belay recover` or `belay prune`; an upgrade goes
# on where it stood. KILL_ROUNDS is how many times of each; the slow label takes more.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
start_cluster
export KILLER_ON=call
rounds=${KILL_ROUNDS:-8}

# each_call COMMAND...: the command killed at `rounds` of its calls; then the function look_after is called.
each_call() {
    local n stride
    rm -f "$WORK/records"
    kill_fresh
    KILLER_LOG=$WORK/records LD_PRELOAD=$KILLER kill_run "$@"
    [ "$status" -eq 0 ] || fail "undisturbed it ended with status $status"
    records=$(tail -n 1 "$WORK/records")
    stride=$(((records + rounds - 1) / rounds))
    for n in $(seq "$((1 + ${KILL_OFFSET:-$RANDOM} % stride))" "$stride" "$records"); do
        begin "$*: killed at call $n of $records"
        kill_fresh
        KILLER_AT=$n KILLER_WHEN=$([ "$((n % 2))" -eq 0 ] && echo before || echo after) LD_PRELOAD=$KILLER kill_run "$@"
        [ "$status" -eq 137 ] || [ "$n" -gt "$((records * 9 / 10))" ] || fail "it was not killed; it ended with status $status"
        look_after
    done
}

# Nothing of a killed command is left on the server but what recover drops; a backend may need a moment to see that its client is gone.
recovers() {
    belay_ends 0 recover
    [ -z "$(left_on_server)" ]
}
same_database() {
    equals "processes left" "$(left_of_processes)" ""
    wait_until recovers
    equals "the database" "$(state_of bank)" "${state_for[untouched]}"
}

kill_project succeeding
unset KILLER_ON
belay 0 snapshot --json
snapshot=$(json id)
rm -rf backups/dev/runs
cp -R backups "$WORK/store"
export KILLER_ON=call

look_after() {
    same_database
    equals "temporary files" "$(find "$TMPDIR" -mindepth 1)" ""
    find backups -name '*.part' -exec touch -d '1 hour ago' {} +
    belay_ends 0 prune --yes --keep 9
    equals "files left" "$(left_of_files)" ""
    for file in backups/dev/*.tar; do
        file=${file##*/}
        belay_ends 0 verify "${file%.tar}"
    done
}
each_call snapshot

look_after() {
    same_database
    equals "files left" "$(left_of_files)" ""
}
each_call prove "$snapshot"
find_others=$(declare -f left_of_files)
left_of_files() { # a rehearsal writes down what it rehearsed, and a proof
    find "$TMPDIR" -mindepth 1
    find backups -name '*.part' -exec touch -d '1 hour ago' {} +
    belay_ends 0 prune --yes --keep 9
    find backups -name '*.part'
}
each_call rehearse

begin "a rehearsal with a private server"
look_after() {
    same_database
    belay_ends 0 rehearse --cluster
    equals "files left" "$(left_of_files)" ""
    equals "processes left" "$(left_of_processes)" ""
}
rounds=$(((rounds + 3) / 4))
each_call rehearse --cluster
eval "$find_others"

begin "upgrade"
rounds=$((rounds * 4))
rm -rf "$WORK/store" migrations/*aaaa00000003*
add_migration aaaa00000003 aaaa00000002 "Delete half" >"$WORK/file" <<'SQL'
DELETE FROM moves WHERE id % 2 = 0;
SQL
add_migration aaaa00000004 aaaa00000003 "Index without a transaction" "Transaction: no" >"$WORK/file" <<'SQL'
CREATE INDEX CONCURRENTLY IF NOT EXISTS accounts_note ON accounts (note);
DELETE FROM moves WHERE id % 3 = 0;
SQL
kill_fresh
declare -A state_at=([aaaa00000001]=${state_for[untouched]})
for revision in aaaa00000002 aaaa00000003 aaaa00000004; do
    belay 0 upgrade "$revision"
    state_at[$revision]=$(state_of bank)
done
upgrade_goes_on() {
    kill_run upgrade head
    [ "$status" -eq 6 ] || [ "$status" -eq 0 ] || fail "\`upgrade head\` after a killed one ended with status $status"
    return "$status"
}
look_after() {
    local revision
    revision=$(sql bank "SELECT version_num FROM alembic_version")
    wait_until upgrade_goes_on # the server may not have seen yet that the killed one's lock has no client
    equals "processes left" "$(left_of_processes)" ""
    equals "the database" "$(state_of bank)" "${state_at[aaaa00000004]}"
    equals "files left" "$(left_of_files)" ""
    echo "  at $revision"
}
each_call upgrade head

begin "upgrade, one killed and looked at"
look_after() {
    wait_until recovers
    local revision
    revision=$(sql bank "SELECT version_num FROM alembic_version")
    [ "$revision" = aaaa00000003 ] || equals "the database at $revision" "$(state_of bank)" "${state_at[$revision]}"
}
each_call upgrade head
