#!/bin/bash
# `belay current` on a warm local server: median of 21 runs (the goal: at most 20 ms).
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_project bank
belay 0 upgrade head

for ((i = 0; i < 21; i++)); do
    start=${EPOCHREALTIME/./}
    "$BELAY" current >/dev/null 2>&1
    echo $((${EPOCHREALTIME/./} - start))
done | sort -n | awk 'NR == 11 {printf "current: median %.1f ms (goal 20)\n", $1 / 1000}'
