#!/bin/bash
# SIGKILL at random times of a succeeding, a failing and a restoring run, then `belay recover` at once.
# KILL_RANDOM is how many times of each, and again half as many at random calls; the slow label runs 200.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
each_count=${KILL_RANDOM:-4}
for each in ${KILL_KINDS:-succeeding failing restoring}; do
    start_cluster "$each"
    kill_project "$each"
    kill_at_random "$each_count"
    kill_at_random_calls "$((each_count / 2))"
    kill_histogram
    seen=()
    cd "$WORK"
    rm -rf project
    stop_cluster "$each"
done
