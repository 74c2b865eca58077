# shellcheck shell=bash disable=SC2034
# What the tests of encryption and signatures share; sourced behind lib.sh.
KEYS=$WORK/keys

# use_keys LINE...: the target's keys from now on.
use_keys() {
    PROJECT_KEYS="gate = none
$(printf '%s\n' "$@")"
    write_project bank development
}

# take: a snapshot; its file in $SNAPSHOT, its id in $ID.
take() {
    belay 0 snapshot --json
    SNAPSHOT=$(json path)
    ID=$(json id)
}
