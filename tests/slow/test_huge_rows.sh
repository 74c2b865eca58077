#!/bin/bash
# Rows as large as the server can have them: a bytea of 600 MB, which COPY's text format cannot carry, and a row near 1 GB.
# Taken, proven and restored; and what becomes of such a value in a table that has to be read as text.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
[ "$(awk '/MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)" -ge 12 ] || skip "needs 12 GB of memory"
start_cluster
PROJECT_KEYS="gate = none
jobs = 2" make_empty_project huge

begin "a bytea of 600 MB and a row of 1,000 MB come back"
sql huge "CREATE TABLE wide (id int PRIMARY KEY, b bytea, t text, u text)" \
    "ALTER TABLE wide ALTER b SET STORAGE EXTERNAL" \
    "INSERT INTO wide SELECT 1, convert_to(repeat('0123456789abcde' || chr(10), 37500000), 'UTF8'), 'small', NULL" \
    "INSERT INTO wide SELECT 2, NULL, repeat('abcdefghij', 50000000), repeat('tuvwxyz' || chr(9) || '\\.', 50000000)" \
    "INSERT INTO wide SELECT i, '\\x00', 'row ' || i, NULL FROM generate_series(3, 1000) i"
lengths="SELECT string_agg(concat_ws(',', id, octet_length(b), octet_length(t), octet_length(u)), ' ' ORDER BY id) FROM wide WHERE id < 4"
sums="SELECT md5(string_agg(coalesce(md5(b), '') || coalesce(md5(t), '') || coalesce(md5(u), ''), '' ORDER BY id)) FROM wide"
equals "lengths" "$(sql huge "$lengths")" "1,600000000,5 2,500000000,500000000 3,1,5"
before=$(sql huge "$sums")
belay 0 snapshot --json
ID=$(json id)
belay 0 prove "$ID"
sql huge "TRUNCATE wide"
belay 0 restore "$ID" --yes
equals "values" "$(sql huge "$sums")" "$before"

begin "in a table with a type of the user's own: refused by name, and no file is left"
sql huge "TRUNCATE wide" "CREATE TYPE mood AS ENUM ('ok')" "CREATE TABLE as_text (m mood, b bytea)" \
    "INSERT INTO as_text SELECT 'ok', convert_to(repeat('0123456789abcdef', 37500000), 'UTF8')"
find backups -type f | sort >"$WORK/before"
belay 1 snapshot
err_has "public.as_text"
find backups -type f | sort | diff "$WORK/before" - || fail "a failed snapshot left a file"
