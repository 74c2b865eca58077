#!/bin/bash
# The server crashes (pg_ctl stop -m immediate) at each journal record of a run; then it starts again, and `belay recover`.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
start_cluster
for each in succeeding restoring; do
    kill_project "$each"
    for n in $(seq 1 "$records"); do
        kill_server_at "$n" "$([ "$((n % 4))" -ne 0 ] || echo again)"
    done
    cd "$WORK"
    rm -rf project
    for name in $(databases); do
        sql postgres "DROP DATABASE \"$name\" WITH (FORCE)"
    done
done
