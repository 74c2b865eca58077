#!/bin/bash
# Snapshots by several workers: ranges, formats, levels, and what becomes of a snapshot whose workers or coordinator are disturbed.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
PROJECT_KEYS="gate = none"
make_empty_project work

# manifest KEY: of the last snapshot's table "rows": a value as JSON.
manifest() {
    tar -xOf "$(json path)" manifest.json | python3 -c 'import json, sys
table = [t for t in json.load(sys.stdin)["tables"] if t["name"] == sys.argv[1]][0]
print(json.dumps(table[sys.argv[2]]))' "$1" "$2"
}
parts() { find backups -name '*.part'; }
sessions() { sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'work' AND pid <> pg_backend_pid()"; }
has_session() { [ "$(sessions)" = 1 ]; }
no_session() { [ "$(sessions)" = 0 ]; }
nothing_is_left() {
    equals "unfinished files" "$(parts)" ""
    wait_until no_session
}
# start ARGUMENTS...: a snapshot in the background; ended STATUS waits for it.
start() {
    LAST="belay snapshot $*"
    "$BELAY" snapshot --json "$@" >"$OUT" 2>"$ERR" </dev/null &
    belay_pid=$!
}
ended() {
    local status=0
    wait "$belay_pid" || status=$?
    [ "$status" -eq "$1" ] || fail "\`$LAST\` ended with status $status, expected $1"
}
workers() {
    sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'work' AND query LIKE '%COPY%ctid%' AND pid <> pg_backend_pid()"
}
copying() { [ "$(workers)" -gt 0 ]; }

# Bytes that do not shrink, so that the store's rate is what everybody waits for.
sql work "CREATE TABLE bytes (id int, v bytea, half int GENERATED ALWAYS AS (id / 2) STORED)" \
    "ALTER TABLE bytes ALTER v SET STORAGE PLAIN" \
    "INSERT INTO bytes SELECT i, (SELECT string_agg(sha512(int4send(i * 100 + j)), '') FROM generate_series(1, 60) j) FROM generate_series(1, 24000) i" \
    "CREATE TABLE later (id int PRIMARY KEY)" "INSERT INTO later VALUES (1), (2)" "CREATE TABLE empty_one (id int)"

begin "one worker or four: the same rows, cut into ranges, in their order"
belay 0 snapshot --no-lint --json -j 1
equals "rows" "$(manifest bytes rows)" 24000
hash=$(manifest bytes row_hash)
generated=$(manifest bytes generated_hash)
belay 0 snapshot --no-lint --json --jobs 4 --format text
equals "format" "$(manifest bytes format)" '"text"'
[ "$(manifest bytes row_hash)" != "$hash" ] || fail "text rows have the hash of binary ones"
mkdir "$WORK/text" && tar -xf "$(json path)" -C "$WORK/text"
manifest bytes chunks | python3 -c 'import json, sys; print("\n".join(json.load(sys.stdin)))' >"$WORK/chunks"
[ "$(wc -l <"$WORK/chunks")" -gt 6 ] || fail "the table is not cut"
equals "rows in the order of the ranges" "$(while read -r chunk; do zstd -dcq "$WORK/text/$chunk"; done <"$WORK/chunks" | cut -f1 | sha256sum)" \
    "$(seq 24000 | sha256sum)"
belay 0 snapshot --no-lint --json -j 4 --level -3
equals "the hash" "$(manifest bytes row_hash)" "$hash"
equals "the hash of generated columns" "$(manifest bytes generated_hash)" "$generated"
equals "chunks of an empty table" "$(manifest empty_one chunks)" "[]"
belay 0 prove

begin "what repeats itself far away is found with --long, and zstd needs no option for it"
sql work "CREATE TABLE far AS SELECT r, id, v FROM bytes, generate_series(1, 2) r WHERE id <= 1000 ORDER BY r, id"
belay 0 snapshot --no-lint --json
near=$(json bytes)
belay 0 snapshot --no-lint --json --long
[ "$(json bytes)" -lt $((near - 2000000)) ] || fail "--long saved too little: $near, then $(json bytes)"
mkdir "$WORK/hand" && tar -xf "$(json path)" -C "$WORK/hand"
(cd "$WORK/hand" && sh restore.sh by_hand >"$WORK/hand.log" 2>&1) || fail "restore.sh failed: $(cat "$WORK/hand.log")"
equals "rows restored by hand" "$(data_hash by_hand)" "$(data_hash work)"
sql postgres "DROP DATABASE by_hand"
sql work "DROP TABLE far"

begin "options that make no sense"
belay 2 snapshot --level 20
belay 2 snapshot --jobs 65
belay 2 snapshot --format csv
err_has "auto, text or binary"

begin "binary is refused where bytes carry numbers of this database"
sql work "CREATE TYPE mood AS ENUM ('good')" "CREATE TABLE moods (m mood[])" "INSERT INTO moods VALUES ('{good}')"
belay 3 snapshot --format binary
err_has "table public.moods"
belay 0 snapshot --no-lint --json
equals "auto" "$(manifest moods format) $(manifest bytes format)" '"text" "binary"'
sql work "DROP TABLE moods"

begin "a name with a newline and an escape stays in its message's line"
sql work $'CREATE TABLE "odd\nswapped: \e[31mall is well" (m mood[])'
belay 3 snapshot --format binary
err_has 'table public.odd\nswapped: \x1b[31mall is well has columns'
grep -q '^swapped' "$ERR" && fail "a name made a line of its own: $(cat "$ERR")"
sql work $'DROP TABLE "odd\nswapped: \e[31mall is well"'

begin "a worker that loses its connection connects again and doubles nothing"
start --no-lint --rate 20MB/s
for _ in 1 2; do
    wait_until copying
    sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'work' AND query LIKE '%COPY%ctid%' AND pid <> pg_backend_pid()" >/dev/null
    sleep 0.3
done
ended 0
[ "$(grep -c "terminating connection" "$(server_log)")" -ge 2 ] || fail "no worker was cut off"
equals "rows" "$(manifest bytes rows)" 24000
equals "the hash" "$(manifest bytes row_hash)" "$hash"
belay 0 prove

begin "without the coordinator's connection there is no snapshot"
start --no-lint --rate 5MB/s
wait_until copying
sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'work' ORDER BY backend_start LIMIT 1" >/dev/null
ended 1
grep -q "holds the snapshot together" "$OUT" || fail "the reason is not told"
nothing_is_left

begin "what another run may be writing is left alone; what is nobody's goes"
part=backups/dev/20260101T000000Z-abcdef.tar.part
touch "$part"
PGAPPNAME=20260102T000000Z-fedcba psql -X -q -d work -c "SELECT pg_sleep(300)" >/dev/null 2>&1 &
wait_until has_session
belay 0 snapshot --no-lint
[ -e "$part" ] || fail "a file that another run may be writing was removed"
sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ 'fedcba'" >/dev/null
wait_until no_session
belay 0 snapshot --no-lint
nothing_is_left

begin "Ctrl-C while workers are at work"
start --no-lint --rate 5MB/s
wait_until copying
kill -INT "$belay_pid"
ended 1
nothing_is_left

begin "the server dies"
start --no-lint --rate 5MB/s
wait_until copying
crash_cluster
ended 1
equals "unfinished files" "$(parts)" ""
restart_cluster

begin "who waits to alter a table is named; who gives up in time is not in the way"
alter() {
    PGAPPNAME=impatient psql -X -q -d work -c "SET lock_timeout = '$1'" -c "ALTER TABLE later ADD COLUMN extra int" >/dev/null 2>&1 &
}
waits() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'impatient' AND wait_event_type = 'Lock'")" = 1 ]; }
start --no-lint --rate 10MB/s -j 1 --lock-wait 300ms
wait_until copying
alter 1min
ended 1
grep -q "application impatient" "$OUT" || fail "the waiting session is not named"
nothing_is_left
sql work "ALTER TABLE later DROP COLUMN extra"
start --no-lint --rate 20MB/s -j 1 --lock-wait 20s
wait_until copying
alter 4s
wait_until waits
ended 0
equals "rows" "$(manifest later rows)" 2

begin "large objects, small and large, are shared out and come back"
sql work "SELECT count(lo_from_bytea(0, convert_to('object ' || i, 'UTF8'))) FROM generate_series(1, 1500) i" "SELECT lo_from_bytea(11, '')" \
    "SELECT lo_from_bytea(12, convert_to(repeat('01234567', 1024 * 1024), 'UTF8'))" \
    "SELECT lo_from_bytea(13, convert_to(repeat('abcdefgh', 1024 * 1024) || repeat('x', 9000000), 'UTF8'))" >/dev/null
belay 0 snapshot --no-lint --json -j 3
tar -xOf "$(json path)" blobs.json | python3 -c 'import json, sys
objects = {o["oid"]: o for o in json.load(sys.stdin)}
print(len(objects), [(o, objects[o]["bytes"], len(objects[o]["chunks"])) for o in (11, 12, 13)], len({c for o in objects.values() for c in o["chunks"]}))' >"$WORK/objects"
equals "large objects" "$(cat "$WORK/objects")" "1503 [(11, 0, 0), (12, 8388608, 1), (13, 17388608, 3)] 1504"
belay 0 prove
sql work "SELECT lo_unlink(oid) FROM pg_largeobject_metadata" >/dev/null

begin "rows that the role may not see end the snapshot"
sql work "CREATE ROLE some_rows LOGIN" "GRANT pg_read_all_data TO some_rows" "ALTER TABLE later ENABLE ROW LEVEL SECURITY"
sed -i 's/^user = .*/user = some_rows/' belay.ini
belay 1 snapshot
err_has "row-level security"
nothing_is_left
