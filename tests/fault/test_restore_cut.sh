#!/bin/bash
# A restore whose connections are cut goes on with what is missing, and loads nothing twice; so does `belay recover` after a
# SIGKILL in the middle of a restore. What the server refuses ends it, and leaves nothing.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
PROJECT_KEYS="gate = rename
way_back = verified
accept_loss = yes
jobs = 2" make_empty_project bank
add_migration aaaa00000001 "" "Make tables" >"$WORK/file" <<'SQL'
CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE entries (id bigint PRIMARY KEY, customer int REFERENCES customers, filler text);
CREATE UNLOGGED TABLE cached (id int PRIMARY KEY, filler text);
CREATE INDEX ON entries (customer);
CREATE INDEX ON entries (md5(filler));
INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 1000) i;
INSERT INTO entries SELECT i, 1 + i % 1000, repeat(md5(i::text), 8) FROM generate_series(1, 260000) i;
INSERT INTO cached SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 20000) i;
SQL
belay 0 upgrade head
# fails slowly, after its first statement was committed
add_migration aaaa00000002 aaaa00000001 "Fail" "Transaction: no" >"$WORK/file" <<'SQL'
DELETE FROM entries WHERE id % 2 = 0;
SELECT 1 / 0;
SQL
rows=$(data_hash bank)

# in_copies QUERY: what the query gives in the newest database that belay works in, while it is there.
in_copies() {
    local copy
    copy=$(psql -X -At -d postgres -c "SELECT datname FROM pg_database WHERE datname ~ '__belay_(new|scratch)_' ORDER BY oid DESC LIMIT 1" 2>/dev/null)
    [ -n "$copy" ] && psql -X -At -v ON_ERROR_STOP=1 -d "$copy" -c "$1" 2>/dev/null
}
marks="SELECT n.nspname FROM pg_namespace n WHERE n.nspname LIKE 'belay\\_restore\\_%'"
# has_marks: something was loaded, and its mark is there.
has_marks() {
    local schema
    schema=$(in_copies "$marks") && [ -n "$schema" ] &&
        [ "$(in_copies "SELECT count(*) > 2 FROM \"$schema\".done")" = t ]
}
cut_workers() {
    [ "$(in_copies "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ~ '^(COPY|BEGIN|CREATE)' AND state = 'active'")" -ge 1 ] 2>/dev/null
}
nothing_left() {
    sql_is postgres "SELECT datname FROM pg_database WHERE datname ~ '__belay_(new|scratch)_'" ""
    sql_is postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^20[0-9]{6}T'" 0
}

begin "connections that are cut"
belay 0 snapshot --json
snapshot=$(json id)
LAST="belay prove, with connections cut"
"$BELAY" prove "$snapshot" --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until has_marks
wait_until cut_workers
wait "$pid" || fail "the proof failed"
json_is ok true
err_has "going on with what is missing"
nothing_left

begin "an error of the server ends it: nothing is left"
LAST="belay prove, with its database's tables locked away"
"$BELAY" prove "$snapshot" --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until has_marks
in_copies "DROP TABLE customers CASCADE" >/dev/null || true
! wait "$pid" || fail "proven without a table"
nothing_left

begin "SIGKILL in the middle of a deploy's way back: recover goes on with the half-made database"
LAST="belay deploy, killed"
"$BELAY" deploy --yes >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until has_marks
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
belay 0 recover
err_has "going on with"
equals "rows" "$(data_hash bank)" "$rows"
nothing_left
sql_is bank "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'belay\\_restore\\_%'" 0
sql_is bank "SELECT count(*) FROM pg_constraint WHERE contype IN ('p', 'f') AND conrelid::regclass::text IN ('customers', 'entries', 'cached') AND convalidated" 4
