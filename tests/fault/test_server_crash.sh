#!/bin/bash
# The server crashes (pg_ctl stop -m immediate) at every KILL_STRIDE-th journal record (default 2; the slow label takes all) of a
# run whose way back is the twin or the snapshot; then it starts again, and `belay recover`. In a restore belay waits for the
# server and goes on, so there it always comes back.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
start_cluster
KILL_CRASHES=yes
stride=${KILL_STRIDE:-2}
for keys in "gate = rename" "gate = rename|way_back = verified"; do
    for each in succeeding restoring; do
        KILL_KEYS=${keys//|/$'\n'}
        kill_project "$each"
        cp "$(newest backups journal.ndjson)" "$WORK/undisturbed"
        offset=${KILL_OFFSET:-$RANDOM} tried=0
        begin "$each, $keys (KILL_OFFSET=$offset)"
        for n in $(seq "$((1 + offset % stride))" "$stride" "$records"); do
            again=
            tried=$((tried + 1))
            if [ "$((tried % 4))" -eq 0 ] || sed -n "${n}p" "$WORK/undisturbed" | grep -q '"act":"restore\.'; then again=again; fi
            kill_server_at "$n" "$again"
        done
        kill_next
    done
done
