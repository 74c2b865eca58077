#!/bin/bash
# `belay recover` while the store's disk is full: that the run is taken over cannot be written down, so it goes on only when the process
# that began the run is certainly gone, or a person says so. Needs to mount a small tmpfs.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
small_disk
store=$SMALL_DISK
start_cluster
bank_project
keys "gate = rename
way_back = twin
snapshot = no"
sed -i "s|^path = backups|path = $store|" belay.ini

# die: a run of which the process is gone; then the disk is full, and its journal whole or torn.
die() {
    find "$store" -mindepth 1 -delete
    fresh
    pending_sleep
    start_deploy deploy
    sleeping
    kill -KILL "$run_pid"
    wait "$run_pid" 2>/dev/null || true
    wait_until holds "count(*) = 0 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid() OR application_name LIKE 'belay %'"
    journal=$(newest "$store" journal.ndjson)
    run=$(basename "$(dirname "$journal")")
    [ "${1:-}" != torn ] || printf '{"seq":99,"at":"20' >>"$journal"
}
fill() {
    dd if=/dev/zero of="$store/ballast" bs=64k >/dev/null 2>&1 || true
    dd if=/dev/zero bs=1 count=5000 >>"$store/ballast" 2>/dev/null || true
    # What is left of the journal's own last page goes, too.
    if { head -c 4096 /dev/zero | tr '\0' '\n'; } >>"$journal" 2>/dev/null; then fail "the disk is not full"; fi
}
ended() {
    rm "$store/ballast"
    belay 0 recover
    belay 0 recover
    err_has "nothing to recover"
    same_as_before
}

for how in whole torn; do
    begin "the process was one of this machine, and is gone: recovered all the same ($how journal)"
    die $how
    fill
    belay 5 recover
    err_has "process $run_pid, which had run $run on this machine, is gone"
    err_has "once there is room"
    same_as_before
    ended
done

begin "of another machine's process nobody knows: nothing is changed, and the way out is said"
die
sed -i '1s|"machine":"[^"]|"machine":"X|' "$journal"
fill
before_databases=$(databases)
md5=$(md5sum <"$journal")
run_json 5 recover --json
json_is outcome needs_recovery
json error.message | grep "should process $run_pid on $(hostname) live still, it would not notice this recovery" >/dev/null || fail "whose process is not said"
json error.hint | grep "Make room in $store" >/dev/null || fail "the way out is not said"
equals "databases" "$(databases)" "$before_databases"
equals "journal" "$(md5sum <"$journal")" "$md5"

begin "a person at a terminal says that it is gone"
python3 "$BELAY_SOURCE/tests/support/type.py" no "$BELAY" recover >"$OUT" 2>&1 && fail "recovered against the person's word"
equals "databases" "$(databases)" "$before_databases"
status=0
python3 "$BELAY_SOURCE/tests/support/type.py" yes "$BELAY" recover >"$OUT" 2>&1 || status=$?
equals "status" "$status" 5
out_has "Is it gone for certain?"
same_as_before
ended
