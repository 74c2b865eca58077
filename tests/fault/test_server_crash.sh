#!/bin/bash
# The server crashes (pg_ctl stop -m immediate) at each journal record of a run, whose way back is the twin or the snapshot;
# then it starts again, and `belay recover`.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
start_cluster
KILL_CRASHES=yes
for keys in "gate = rename" "gate = rename|way_back = verified"; do
    for each in succeeding restoring; do
        KILL_KEYS=${keys//|/$'\n'}
        kill_project "$each"
        for n in $(seq 1 "$records"); do
            kill_server_at "$n" "$([ "$((n % 4))" -ne 0 ] || echo again)"
        done
        kill_next
    done
done
