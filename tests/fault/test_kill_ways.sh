#!/bin/bash
# SIGKILL at journal records of runs whose way back is the snapshot, verified or proven, and of runs without a gate; then
# `belay recover` at once. Every KILL_STRIDE-th record, from another one each time; the slow label takes them all.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
start_cluster
stride=${KILL_STRIDE:-9}
for keys in "gate = rename|way_back = verified" "gate = rename|way_back = proven" "gate = none|accept_loss = yes"; do
    for each in restoring succeeding; do
        KILL_KEYS=${keys//|/$'\n'}
        offset=${KILL_OFFSET:-$RANDOM}
        begin "$each, $keys (KILL_OFFSET=$offset)"
        kill_project "$each"
        kill_each_record "$stride" "$offset"
        kill_next
    done
done
