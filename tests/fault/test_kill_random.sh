#!/bin/bash
# SIGKILL at random times of a succeeding, a failing and a restoring run, then `belay recover` at once.
# KILL_RANDOM is how many times in all; the slow label runs 200.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
total=${KILL_RANDOM:-12}
for each in succeeding failing restoring; do
    start_cluster "$each"
    kill_project "$each"
    kill_at_random $(((total + 2) / 3))
    cd "$WORK"
    rm -rf project
    stop_cluster "$each"
done
