#!/bin/bash
# The store's disk is full: during a snapshot, and while a run writes its journal. The database is as before, under its own
# name; no half-written snapshot is left; with room again the same deploy succeeds. Needs to mount a small tmpfs.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
small_disk
store=$SMALL_DISK

start_cluster
PROJECT_KEYS="gate = rename" make_empty_project bank staging
sed -i "s|^path = backups|path = $store|" belay.ini
add_migration aaaa0001 "" "Make rows" >"$WORK/file" <<'SQL'
CREATE TABLE noise (id int PRIMARY KEY, bytes text);
INSERT INTO noise SELECT i, (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 30) WHERE i = i) FROM generate_series(1, 12000) i;
SQL
belay 0 upgrade head
add_migration aaaa0002 aaaa0001 "Add a column" >"$WORK/file" <<'SQL'
ALTER TABLE noise ADD COLUMN note text;
-- belay: downgrade
ALTER TABLE noise DROP COLUMN note;
SQL
rows=$(data_hash bank)
schema=$(schema_hash bank)
unchanged() {
    equals "databases" "$(databases)" bank
    equals "rows" "$(data_hash bank)" "$rows"
    equals "schema" "$(schema_hash bank)" "$schema"
    belay 0 current
    out_has aaaa0001
}
no_part() { equals "unfinished or whole snapshots" "$(find "$store" -name '*.tar*' | wc -l)" 0; }

begin "a snapshot that does not fit says so and leaves nothing"
belay 1 snapshot
err_has "No space left on device"
err_has "free space on that file system"
no_part
belay 1 snapshot --json
json_is error.code no_space
unchanged

begin "a deploy whose snapshot does not fit ends before anything is changed"
status=0
"$BELAY" deploy --yes >"$OUT" 2>"$ERR" </dev/null || status=$?
LAST="belay deploy --yes"
case $status in
1 | 3) ;;
*) fail "status $status" ;;
esac
grep -qi "space" "$ERR" || fail "stderr says nothing of space"
no_part
unchanged

begin "a journal that cannot be written stops the deploy before the gate"
find "$store" -mindepth 1 -delete
dd if=/dev/zero of="$store/ballast" bs=64k >/dev/null 2>&1 || true
sed -i 's/^gate = rename/gate = rename\nsnapshot = no\nway_back = twin/' belay.ini
status=0
"$BELAY" deploy --yes >"$OUT" 2>"$ERR" </dev/null || status=$?
case $status in
1 | 3) ;;
*) fail "status $status" ;;
esac
grep -qi "space" "$ERR" || fail "stderr says nothing of space"
unchanged

begin "with room again the same deploy succeeds"
rm "$store/ballast"
belay 0 deploy --yes
belay 0 current
out_has aaaa0002
