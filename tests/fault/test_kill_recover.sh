#!/bin/bash
# SIGKILL of `belay recover` itself, at one in some of its calls to server and store, after runs that were killed where it has
# most to do; then `belay recover` again. KILL_STRIDE: every how many-th call (default 18; the slow label takes every 5th).
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
start_cluster

# kill_run_at TEXT: the run is killed right after the first record of its journal that holds TEXT.
kill_run_at() {
    kill_fresh
    : >"$WORK/journals"
    KILLER_AT=$1 LD_PRELOAD=$KILLER kill_run "${KILL_COMMAND[@]}"
    [ "$status" -eq 137 ] || fail "the run was not killed; it ended with status $status"
}

# each_recover TEXT: recover is killed at its calls, again and again.
each_recover() {
    local at n calls
    at=$(grep -nF -m 1 -- "$1" "$WORK/undisturbed" | cut -d: -f1)
    [ -n "$at" ] || fail "the undisturbed run has no record with $1"
    kill_run_at "$at"
    rm -f "$WORK/records"
    KILLER_ON=call KILLER_LOG=$WORK/records LD_PRELOAD=$KILLER belay_ends 0 recover
    calls=$(tail -n 1 "$WORK/records")
    for n in $(seq "$((1 + ${KILL_OFFSET:-$RANDOM} % ${KILL_STRIDE:-18}))" "${KILL_STRIDE:-18}" "$calls"); do
        begin "$kind, killed after $1; recover killed at call $n of $calls"
        kill_run_at "$at"
        KILLER_ON=call KILLER_AT=$n KILLER_WHEN=$([ "$((n % 2))" -eq 0 ] && echo before || echo after) LD_PRELOAD=$KILLER kill_run recover
        [ "$status" -eq 137 ] || [ "$n" -gt "$((calls * 9 / 10))" ] || fail "recover was not killed; it ended with status $status"
        kill_recover
    done
}

for keys in "gate = rename" "gate = rename|way_back = verified"; do
    KILL_KEYS=${keys//|/$'\n'}
    kill_project restoring
    cp "$(find backups -name journal.ndjson)" "$WORK/undisturbed"
    each_recover '"act":"migrate","state":"failed"'
    [ "$keys" != "gate = rename" ] || each_recover '"kind":"intent","act":"gate.swap"'
    kill_next
done
kill_project succeeding
cp "$(find backups -name journal.ndjson)" "$WORK/undisturbed"
each_recover '"act":"verify","state":"begin"'
kill_histogram
