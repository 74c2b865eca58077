#!/bin/bash
# The server's disk is full while a snapshot is proven or restored, and the store's while they write down what they did: said as
# such, with where and what to do; nothing is left behind; with room again the same command succeeds. Mounts small tmpfs.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
[ "$(id -u)" -eq 0 ] || skip "only root can mount a tmpfs"
mkdir "$WORK/space" "$WORK/store"
mount -t tmpfs -o size=112m,mode=0700,uid="$(id -u postgres 2>/dev/null || id -u nobody)" tmpfs "$WORK/space" 2>"$WORK/mount" || skip "no tmpfs: $(cat "$WORK/mount")"
mount -t tmpfs -o size=8m,mode=0700 tmpfs "$WORK/store"
unmount_and_clean() {
    local status=$?
    cd /
    "$BELAY_SOURCE/tests/support/cluster.sh" stop "$WORK/pg" || true
    umount -l "$WORK/space" "$WORK/store" || true
    (exit "$status")
    lib_cleanup
}
trap unmount_and_clean EXIT

start_cluster
sql postgres "CREATE TABLESPACE space LOCATION '$WORK/space'"
PROJECT_KEYS="gate = rename" make_empty_project bank staging
sed -i "s|^path = backups|path = $WORK/store|" belay.ini
add_migration aaaa0001 "" "Make rows" >"$WORK/file" <<'SQL'
CREATE TABLE noise (id int PRIMARY KEY, bytes text);
INSERT INTO noise SELECT i, repeat(md5(i::text), 40) FROM generate_series(1, 20000) i;
SQL
belay 0 upgrade head
sql postgres "ALTER DATABASE bank SET TABLESPACE space"
belay 0 snapshot --json
id=$(json id)
rows=$(data_hash bank)
fill() { dd if=/dev/zero of="$1/ballast" bs=64k count="${2:-100000}" >/dev/null 2>&1 || true; }
free_of() { df --output=avail -k "$1" | tail -n 1; }
unchanged() {
    equals "databases" "$(databases)" bank
    equals "rows" "$(data_hash bank)" "$rows"
    equals "unfinished files" "$(find "$WORK/store" -name '*.part' | wc -l)" 0
}
told() {
    [ "$(json error.code)" = no_space ] || [ "$(json error.code)" = preflight ] || fail "the code is $(json error.code)"
    grep -qi -e "no space left on device" -e "could not write init file" "$OUT" || fail "no word of why"
    grep -q "free space on" "$OUT" || fail "no word of what to do"
}

for leave in 2000 14000; do # kB: not enough for a database; enough for one without rows
    begin "$leave kB on the server: prove"
    fill "$WORK/space" "$((($(free_of "$WORK/space") - leave) / 64))"
    belay 1 prove "$id" --json
    told
    unchanged

    begin "$leave kB on the server: restore; pre-flight may know already"
    status=0
    "$BELAY" restore "$id" --yes --json >"$OUT" 2>"$ERR" </dev/null || status=$?
    [ "$status" -eq 1 ] || [ "$status" -eq 3 ] || fail "status $status"
    told
    equals "outcome" "$(json outcome)" "$([ "$status" -eq 1 ] && echo untouched || echo refused)"
    unchanged

    begin "$leave kB on the server: a snapshot is taken; whether it can be restored is not known"
    rm -f "$WORK/store/dev/lint.json" # else that it went well before is remembered
    belay 0 snapshot
    [ "$leave" -gt 8000 ] || err_has "was not found out"
    unchanged
    rm "$WORK/space/ballast"
done

begin "the store is full: prove cannot write its proof, restore not its journal, snapshot nothing"
fill "$WORK/store"
belay 1 prove "$id" --json
told
belay 1 restore "$id" --yes --json
told
belay 1 snapshot --json
told
rm "$WORK/store/ballast"
unchanged

begin "with room again each of them succeeds"
belay 0 snapshot
belay 0 prove "$id"
belay 0 restore "$id" --yes
equals "rows" "$(data_hash bank)" "$rows"
