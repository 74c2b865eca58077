#!/bin/bash
# Ctrl-C and SIGTERM at every stage of a deploy. Whatever comes, the run ends in a named state with its exit status, and nothing of it is left.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
[ -e "${BELAY_TESTS:?}/killer.so" ] || skip "killer.so is not part of this build (sanitizers)"
KILLER=$WORK/killer.so # LD_PRELOAD cannot hold a path with a space
cp "$BELAY_TESTS/killer.so" "$KILLER"
start_cluster
bank_project

# deploy_under COMMAND N: COMMAND runs while the N-th record of the journal is written.
deploy_under() {
    local status=0
    LAST="belay deploy --json, and at record $2: $1"
    { KILLER_CMD=$1 KILLER_AT=$2 LD_PRELOAD=$KILLER timeout -s KILL 60 "$BELAY" deploy --json >"$OUT" 2>"$ERR" </dev/null; } 2>/dev/null || status=$?
    look "$status"
}

# each_stage COMMAND KIND: at the begin of each stage that an undisturbed run has.
each_stage() {
    local number name
    fresh
    "pending_$2"
    "$BELAY" deploy >"$OUT" 2>"$ERR" </dev/null || true
    grep -n '"kind":"stage".*"state":"begin"' "$(find backups -name journal.ndjson)" |
        sed 's/^\([0-9]*\):.*"act":"\([a-z]*\)".*/\1 \2/' >"$WORK/stages"
    [ "$(wc -l <"$WORK/stages")" -ge 3 ] || fail "the journal has no stages"
    while read -r number name <&9; do
        begin "$2: $3 at stage \"$name\""
        fresh
        "pending_$2"
        deploy_under "$1" "$number"
    done 9<"$WORK/stages"
}

# system(3) ignores SIGINT while the command runs, so it is sent as soon as that is over.
# shellcheck disable=SC2016
interrupt='p=$PPID; (while [ $((0x$(sed -n "s/^SigIgn:\t//p" /proc/$p/status) & 2)) -ne 0 ]; do :; done; kill -INT $p) >/dev/null 2>&1 &'
keys "gate = rename
stop_command = true
start_command = true"
each_stage "$interrupt" good SIGINT
keys $'gate = rename\nway_back = proven'
# shellcheck disable=SC2016
each_stage 'kill -TERM $PPID' half SIGTERM
keys "gate = none"
# shellcheck disable=SC2016
each_stage 'kill -TERM $PPID' good SIGTERM
