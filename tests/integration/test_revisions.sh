#!/bin/bash
# The verbs about files: revision, merge, history, heads, branches, show; and current on a server.
set -eu
folder=$(mktemp -d /tmp/belay_revisions.XXXXXX)
chmod 755 "$folder"
trap '"$BELAY_SOURCE/tests/support/cluster.sh" stop "$folder/server" >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT
cd "$folder"
export POSTGRES_HOST=$folder/server/s POSTGRES_USER=postgres POSTGRES_DB=postgres PGHOST=$folder/server/s PGUSER=postgres
mkdir migrations
printf '[target.dev]\nenvironment = development\nhost = %s/server/s\nuser = postgres\ndbname = postgres\n' \
  "$folder" > belay.ini

fail() { echo "FAILED: $*"; exit 1; }
# expect STATUS TEXT COMMAND...: the exit status, and a text somewhere in the output.
expect() {
  local status=$1 text=$2 out rc=0
  shift 2
  out=$("$@" 2>&1) || rc=$?
  [ "$rc" = "$status" ] || fail "$* ended with $rc, not $status: $out"
  grep -qF -- "$text" <<< "$out" || fail "$* does not say \"$text\": $out"
}

expect 0 "" "$BELAY" heads
expect 0 _aaaa11112222_create_tables.sql "$BELAY" revision -m "Create tables!" --rev-id aaaa11112222 --branch-label main
expect 0 .sql "$BELAY" revision -m "Left" --rev-id bbbb11112222
expect 2 "Revision aaaa11112222 is not a head revision; please specify --splice" "$BELAY" revision -m no --head aaaa
expect 0 .sql "$BELAY" revision -m "Right" --rev-id cccc11112222 --head aaaa --splice
expect 2 "Multiple heads are present" "$BELAY" revision -m no
expect 2 "Character(s) '-' not allowed" "$BELAY" revision -m no --head bbbb --rev-id a-b
expect 2 "more than once" "$BELAY" revision -m no --head bbbb --rev-id cccc11112222
expect 2 "Can't locate revision identified by 'ffff'" "$BELAY" show ffff
[ "$(find migrations -type f | wc -l)" = 3 ] || fail "a refused revision left a file"
[ "$("$BELAY" branches)" = "aaaa11112222 (main) (branchpoint)
             -> bbbb11112222 (main) (head)
             -> cccc11112222 (main) (head)" ] || fail "branches: $("$BELAY" branches)"
expect 0 .sql "$BELAY" merge heads -m "Join" --rev-id dddd11112222
[ "$("$BELAY" history)" = "bbbb11112222, cccc11112222 -> dddd11112222 (main) (head) (mergepoint), Join
aaaa11112222 -> bbbb11112222 (main), Left
aaaa11112222 -> cccc11112222 (main), Right
<base> -> aaaa11112222 (main) (branchpoint), Create tables!" ] || fail "history: $("$BELAY" history)"
[ "$("$BELAY" history -r bbbb: | cut -d, -f1)" = "bbbb11112222
aaaa11112222 -> bbbb11112222 (main)" ] || fail "range: $("$BELAY" history -r bbbb:)"
expect 2 "does not refer to ancestor/descendant" "$BELAY" history -r bbbb:cccc
expect 2 "requires [start]:[end]" "$BELAY" history -r bbbb
expect 0 .sql "$BELAY" revision -m "Other" --head base --rev-id eeee11112222 --depends-on dddd --branch-label other
expect 0 "dddd11112222 (main) (effective head)" "$BELAY" heads
[ "$("$BELAY" heads --resolve-dependencies)" = "eeee11112222 (other) (head)" ] || fail "real heads"
expect 0 "Also depends on: dddd11112222" "$BELAY" show other@head
"$BELAY" history --json 2>/dev/null | grep '"applied": null' >/dev/null || fail "applied is known without a server"

"$BELAY_SOURCE/tests/support/cluster.sh" start "$folder/server" >/dev/null
sql() { psql -XqAt -h "$folder/server/s" -U postgres -d postgres -c "$1"; }
sql "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); INSERT INTO alembic_version VALUES ('bbbb11112222')"
[ "$("$BELAY" current)" = bbbb11112222 ] || fail "current: $("$BELAY" current)"
expect 7 "Database is not on all head revisions" "$BELAY" current --check-heads
expect 0 "bbbb11112222 (main) (current), Left" "$BELAY" history -i
expect 0 '"pending": 3' "$BELAY" current --json
[ "$("$BELAY" history -r current: | wc -l)" = 2 ] || fail "from current: $("$BELAY" history -r current:)"
sql "UPDATE alembic_version SET version_num = 'eeee11112222'"
expect 0 "eeee11112222 (head)" "$BELAY" current --check-heads
expect 0 "dddd11112222 (effective head) (mergepoint)" "$BELAY" current
sql "UPDATE alembic_version SET version_num = 'ffff11112222'"
expect 3 "older than the database" "$BELAY" current
expect 3 "Can't locate revision identified by 'ffff11112222'" "$BELAY" current
expect 3 "older than the database" "$BELAY" history -r current:
expect 0 "older than the database" "$BELAY" history -i
expect 7 "older than the database" "$BELAY" verify
sql "UPDATE alembic_version SET version_num = 'bbbb11112222'; INSERT INTO alembic_version VALUES ('aaaa11112222')"
[ "$("$BELAY" current)" = bbbb11112222 ] || fail "current where one row includes the other: $("$BELAY" current)"
expect 2 "belay stamp --purge" "$BELAY" upgrade heads --plan
echo ok
