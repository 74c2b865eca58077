#!/bin/bash
# The server crashes (pg_ctl stop -m immediate) at each journal record of a run, whose way back is the twin or the snapshot;
# then it starts again, and `belay recover`. In a restore belay waits for the server and goes on, so there it always comes back.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
start_cluster
KILL_CRASHES=yes
for keys in "gate = rename" "gate = rename|way_back = verified"; do
    for each in succeeding restoring; do
        KILL_KEYS=${keys//|/$'\n'}
        kill_project "$each"
        cp "$(newest backups journal.ndjson)" "$WORK/undisturbed"
        for n in $(seq 1 "$records"); do
            again=
            if [ "$((n % 4))" -eq 0 ] || sed -n "${n}p" "$WORK/undisturbed" | grep -q '"act":"restore.create"'; then again=again; fi
            kill_server_at "$n" "$again"
        done
        kill_next
    done
done
