#!/bin/bash
# SIGKILL before and after every KILL_STRIDE-th journal record (default 2; the slow label takes all) of `belay restore ID`, and of `belay restore --revision` with migrations
# above the snapshot; then `belay recover` at once: the database is as it was, or as the restore makes it.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
start_cluster
kill_project succeeding
belay 0 snapshot --json # at the first revision
snapshot=$(json id)
belay 0 deploy
sql bank "UPDATE accounts SET balance = 0" # what only the present database has
sql postgres "DROP DATABASE bank_before" "ALTER DATABASE bank RENAME TO bank_before"
rm -rf backups/dev/runs "$WORK/store"
cp -R backups "$WORK/store"
expected=0 expected_outcome=restored

for command in "restore $snapshot --yes" "restore --revision aaaa00000003 --yes"; do
    read -ra KILL_COMMAND <<<"$command"
    kind=${KILL_COMMAND[*]}
    state_for=([untouched]=$(state_of bank_before))
    kill_undisturbed
    [ "${state_for[restored]}" != "${state_for[untouched]}" ] || fail "the restore changed nothing"
    offset=${KILL_OFFSET:-$RANDOM}
    begin "$kind (KILL_OFFSET=$offset)"
    kill_each_record "${KILL_STRIDE:-2}" "$offset"
    kill_histogram
done
