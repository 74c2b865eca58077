#!/bin/bash
# A comparison reads large tables in ranges of pages, and VACUUM may cut off a table's end between two of them.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
sql postgres "CREATE DATABASE bank"

begin "no row is read twice or left out"
sql bank "CREATE TABLE shrinking WITH (autovacuum_enabled = off) AS SELECT i AS id, repeat('x', 900) AS filler FROM generate_series(1, 8000) i"
sql bank "DELETE FROM shrinking WHERE id > 3000" # all that is left stands in the first half
pages() { sql bank "SELECT pg_relation_size('shrinking') / current_setting('block_size')::int"; }
before=$(pages)
mkfifo "$WORK/go"
"${BELAY_TESTS:?}/restore_driver" halves bank public.shrinking "$(sql bank "SELECT 'shrinking'::regclass::oid")" <"$WORK/go" >"$OUT" 2>"$ERR" &
driver=$!
exec 7>"$WORK/go"
LAST="restore_driver halves"
wait_until grep -q . "$OUT"
sql bank "VACUUM shrinking"
[ "$(pages)" -lt $((before / 2)) ] || fail "the table was not cut: $(pages) of $before pages"
echo >&7
wait "$driver" || fail "the driver failed"
equals "rows of the halves" "$(paste -sd ' ' "$OUT")" "3000 0"
exec 7>&-
