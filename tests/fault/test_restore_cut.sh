#!/bin/bash
# A restore whose connections are cut, or whose server crashes, goes on with what is missing, and loads nothing twice; so does
# `belay recover` after a SIGKILL in the middle of a restore. What the server refuses ends it, and leaves nothing.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
CLUSTER_CONF="log_statement = mod" start_cluster
PROJECT_KEYS="gate = rename
way_back = verified
accept_loss = yes
jobs = 2" make_empty_project bank
add_migration aaaa00000001 "" "Make tables" >"$WORK/file" <<'SQL'
CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE entries (id bigint PRIMARY KEY, customer int REFERENCES customers, filler text);
CREATE UNLOGGED TABLE cached (id int PRIMARY KEY, filler text);
CREATE UNLOGGED TABLE pending (id bigint PRIMARY KEY, entry bigint REFERENCES entries);
CREATE SEQUENCE numbers;
SELECT setval('numbers', 4711), lo_from_bytea(0, 'a large object');
CREATE INDEX ON entries (customer);
CREATE INDEX ON entries (md5(filler));
INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 1000) i;
INSERT INTO entries SELECT i, 1 + i % 1000, repeat(md5(i::text), 8) FROM generate_series(1, 260000) i;
INSERT INTO cached SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 20000) i;
INSERT INTO pending SELECT i, i FROM generate_series(1, 1000) i;
CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER noting ON ddl_command_end EXECUTE FUNCTION noted();
COMMENT ON EVENT TRIGGER noting IS 'of any command';
SQL
belay 0 upgrade head
# fails after its first statement was committed. Each row is looked for in `pending`, which has no index for it: not too many.
add_migration aaaa00000002 aaaa00000001 "Fail" "Transaction: no" >"$WORK/file" <<'SQL'
DELETE FROM entries WHERE id % 2 = 0 AND id > 258000;
SELECT 1 / 0;
SQL
rows=$(data_hash bank)

# newest_copy: the newest database that belay works in; in_copies QUERY: what the query gives there, while it is there.
newest_copy() {
    psql -X -At -d postgres -c "SELECT datname FROM pg_database WHERE datname ~ '__belay_(new|scratch)_' ORDER BY oid DESC LIMIT 1" 2>/dev/null
}
in_copies() {
    local copy
    copy=$(newest_copy)
    [ -n "$copy" ] && psql -X -At -v ON_ERROR_STOP=1 -d "$copy" -c "$1" 2>/dev/null
}
marks="SELECT n.nspname FROM pg_namespace n WHERE n.nspname LIKE 'belay\\_restore\\_%'"
# has_marks: something was loaded, and its mark is there.
has_marks() {
    local schema
    schema=$(in_copies "$marks") && [ -n "$schema" ] &&
        [ "$(in_copies "SELECT count(*) > 2 FROM \"$schema\".done")" = t ]
}
# has_unlogged: the rows of both unlogged tables are in, and their marks.
has_unlogged() {
    local schema
    schema=$(in_copies "$marks") && [ -n "$schema" ] && [ "$(in_copies "SELECT count(*) FROM \"$schema\".done_unlogged")" -ge 3 ]
}
# has_pending_key: and what was committed with synchronous_commit = off until then outlasts a crash.
has_pending_key() {
    [ "$(in_copies "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'pending'::regclass")" = 1 ] &&
        psql -X -q -d postgres -c 'CREATE TABLE flushed (); DROP TABLE flushed'
}
# loads: how many times rows of `entries` were sent to the server.
loads() {
    grep -c 'COPY "public"."entries" .* FROM STDIN' "$(server_log)"
}
resumed() {
    grep -h '"act":"restore.resumed"' "$(newest backups journal.ndjson)" | tail -n 1 | sed -nE "s/.*\"$1\":([0-9]+).*/\\1/p"
}
cut_workers() {
    [ "$(in_copies "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ~ '^(COPY|BEGIN|CREATE|INSERT)' AND query !~ 'ISOLATION|EVENT TRIGGER' AND state = 'active'")" -ge 1 ] 2>/dev/null
}
# is_writing: a worker has something uncommitted, once marks are there.
is_writing() {
    [ "$(psql -X -At -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE datname ~ '__belay_(new|scratch)_' AND backend_xid IS NOT NULL")" -ge 1 ]
}
# drop_failed: the databases that restores kept.
drop_failed() {
    local name
    for name in $(databases | grep __belay_failed_); do sql postgres "DROP DATABASE $name"; done
}
# hold_numbers: locks the sequence once its position is set, so that the comparison at the end waits for it.
hold_numbers() {
    [ "$(in_copies "SELECT last_value FROM numbers")" = 4711 ] || return 1
    PGAPPNAME=holder psql -X -q -d "$(newest_copy)" -c "BEGIN" -c "ALTER SEQUENCE numbers RENAME TO held" -c "SELECT pg_sleep(300)" >/dev/null 2>&1 &
}
# hold_marks [MODE]: once there are some, they cannot be dropped, however late what is done next is done: the restore does not end.
# With SHARE there are no more of them either: whatever a worker does, it is at work until let_go.
hold_marks() {
    local schema mode=${1:-ACCESS SHARE}
    has_marks && schema=$(in_copies "$marks") || return 1
    PGAPPNAME=holder psql -X -q -d "$(newest_copy)" -c "BEGIN" -c "LOCK TABLE \"$schema\".done IN $mode MODE" -c "SELECT pg_sleep(300)" >/dev/null 2>&1 &
}
is_held() {
    [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holder' AND query ^@ 'SELECT pg_sleep'")" = 1 ]
}
let_go() {
    sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'" >/dev/null
}
# kill_midway: SIGKILL of the program $pid, when a part of the rows is in.
kill_midway() {
    wait_until hold_marks
    wait_until is_held
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
    let_go
}
# is_comparing: all is loaded, the marks are gone, and the comparison waits.
is_comparing() {
    [ "$(in_copies "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'belay\\_restore\\_%'")" = 0 ] &&
        [ "$(in_copies "SELECT count(*) FROM pg_locks WHERE NOT granted")" -ge 1 ]
}
nothing_left() {
    sql_is postgres "SELECT datname FROM pg_database WHERE datname ~ '__belay_(new|scratch)_'" ""
    wait_until no_session # of a connection that was closed a moment ago the server may not know it yet
}
no_session() {
    [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^20[0-9]{6}T'")" = 0 ]
}

begin "connections that are cut"
belay 0 snapshot --json
snapshot=$(json id)
LAST="belay prove, with connections cut"
"$BELAY" prove "$snapshot" --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until hold_marks SHARE
wait_until is_held
wait_until cut_workers
let_go
wait "$pid" || fail "the proof failed"
json_is ok true
err_has "going on with what is missing"
grep -qE '^warning: (table|making|statistics of|large objects)[ :].*; going on' "$ERR" || fail "the warning does not say what was cut"
err_lacks "This probably means"
nothing_left

begin "connections that are cut, and the server does not know it: it ends their sessions before it goes on"
mkdir "$WORK/proxy"
python3 "$BELAY_SOURCE/tests/support/cut_off.py" "$WORK/proxy/.s.PGSQL.5432" "$PGHOST/.s.PGSQL.5432" &
proxy=$!
wait_until test -S "$WORK/proxy/.s.PGSQL.5432"
sed -i "s|^host = .*|host = $WORK/proxy|" belay.ini
LAST="belay prove, cut off"
timeout 120 "$BELAY" prove "$snapshot" --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until hold_marks SHARE
wait_until is_held
wait_until is_writing
ended=$(grep -c "due to administrator command" "$(server_log)" || true)
kill -USR1 "$proxy"
let_go
wait "$pid" || fail "the proof failed"
json_is ok true
err_has "going on with what is missing"
[ "$(grep -c "due to administrator command" "$(server_log)")" -ge "$((ended + 2))" ] || fail "no session was left alone, or none was ended"
nothing_left
sed -i "s|^host = .*|host = $PGHOST|" belay.ini
kill "$proxy"

begin "a connection that is cut when all is loaded: it is compared once more, and no row is loaded again"
LAST="belay prove, cut at its end"
"$BELAY" prove "$snapshot" --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until hold_numbers
wait_until is_comparing
before=$(loads)
sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ~ '__belay_scratch_' AND application_name ~ '^20'" >/dev/null
let_go
wait "$pid" || fail "the proof failed"
json_is ok true
err_has "going on with what is missing"
err_has "chunks of rows are in it"
err_lacks "beginning again"
equals "loads" "$(loads)" "$before"
nothing_left

begin "an error of the server ends it: nothing is left"
LAST="belay prove, with its database's tables locked away"
"$BELAY" prove "$snapshot" --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until hold_marks
wait_until is_held
in_copies "DROP TABLE customers CASCADE" >/dev/null || true
let_go
! wait "$pid" || fail "proven without a table"
nothing_left

begin "SIGKILL in the middle of a deploy's way back: recover goes on with the half-made database"
LAST="belay deploy, killed"
"$BELAY" deploy --yes >"$OUT" 2>"$ERR" </dev/null &
pid=$!
kill_midway
belay 0 recover
err_has "going on with"
equals "rows" "$(data_hash bank)" "$rows"
nothing_left
sql_is bank "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'belay\\_restore\\_%'" 0
sql_is bank "SELECT count(*) FROM pg_constraint WHERE contype IN ('p', 'f') AND conrelid::regclass::text IN ('customers', 'entries', 'cached', 'pending') AND convalidated" 6

begin "SIGKILL in the middle of a restore: recover goes on with it, with other jobs, and loads no chunk twice"
drop_failed
sql bank "UPDATE customers SET name = 'changed'"
changed=$(data_hash bank)
LAST="belay restore, killed"
"$BELAY" restore "$snapshot" --yes >"$OUT" 2>"$ERR" </dev/null &
pid=$!
kill_midway
equals "rows of the old database" "$(data_hash bank)" "$changed"
belay 5 restore "$snapshot" --yes
err_has "belay recover --target dev"
sed -i 's/^jobs = 2/jobs = 1/' belay.ini
before=$(loads)
belay 0 recover --json
json_is outcome restored
err_has "chunks of rows are in it"
[ "$(resumed chunks_there)" -ge 1 ] || fail "no chunk was taken over"
[ "$(($(loads) - before))" -le "$(($(resumed chunks) - $(resumed chunks_there)))" ] || fail "chunks were loaded twice"
equals "rows" "$(data_hash bank)" "$rows"
equals "kept" "$(databases | grep -c __belay_failed_)" 1
nothing_left
sed -i 's/^jobs = 1/jobs = 2/' belay.ini

begin "SIGKILL when all is loaded: recover compares it, and loads no row again"
drop_failed
LAST="belay restore, killed at its end"
"$BELAY" restore "$snapshot" --yes >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until hold_numbers
wait_until is_comparing
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
before=$(loads)
let_go
belay 0 recover --json
json_is outcome restored
err_lacks "beginning again"
equals "loads" "$(loads)" "$before"
equals "rows" "$(data_hash bank)" "$rows"
equals "position" "$(sql bank "SELECT last_value FROM numbers")" 4711
equals "event trigger" "$(sql bank "SELECT evtname, obj_description(oid, 'pg_event_trigger') FROM pg_event_trigger")" "noting|of any command"
nothing_left

begin "the server crashes when all is loaded, unlogged tables too: it begins again"
drop_failed
LAST="belay prove, with a crash at its end"
"$BELAY" prove "$snapshot" --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until hold_numbers
wait_until is_comparing
crash_cluster
restart_cluster
wait "$pid" || fail "the proof failed"
json_is ok true
err_has "it was complete, and a crash of the server may have emptied unlogged tables"
rows=$(data_hash bank) # its own unlogged tables are empty now
nothing_left
belay 0 restore "$snapshot" --yes
rows=$(data_hash bank)

begin "recover --keep of a killed restore drops what is half-made"
sql bank "UPDATE customers SET name = 'changed'"
LAST="belay restore, killed"
"$BELAY" restore "$snapshot" --yes >"$OUT" 2>"$ERR" </dev/null &
pid=$!
kill_midway
belay 0 recover --keep --json
json_is outcome untouched
equals "rows" "$(data_hash bank)" "$changed"
nothing_left

begin "the server crashes in the middle of a restore: it goes on, with unlogged tables loaded again"
LAST="belay restore, with a crash"
"$BELAY" restore "$snapshot" --yes --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until hold_marks
wait_until has_unlogged
crash_cluster
restart_cluster
wait "$pid" || fail "the restore failed"
json_is outcome restored
err_has "going on with what is missing"
[ "$(resumed chunks_there)" -ge 1 ] || fail "no chunk was taken over"
equals "rows" "$(data_hash bank)" "$rows"
sql_is bank "SELECT last_value FROM numbers" 4711
nothing_left

begin "the server crashes when an unlogged table has a key: it begins again"
LAST="belay prove, with a crash"
"$BELAY" prove "$snapshot" --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until hold_marks
wait_until has_pending_key
crash_cluster
restart_cluster
wait "$pid" || fail "the proof failed"
json_is ok true
err_has "beginning again"
nothing_left

begin "another one recovers the run while the server is away: the first ends there"
LAST="belay restore, with a crash, recovered by another"
"$BELAY" restore "$snapshot" --yes --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until hold_marks
wait_until is_held
kill -STOP "$pid"
crash_cluster
restart_cluster
rows=$(data_hash bank) # its own unlogged tables are empty now
"$BELAY" recover --keep >"$WORK/kept" 2>&1 </dev/null || fail "recover: $(cat "$WORK/kept")"
kill -CONT "$pid"
status=0
wait "$pid" || status=$?
equals "status of the first" "$status" 5
err_has "while the server was away"
belay 0 recover
equals "rows" "$(data_hash bank)" "$rows"
nothing_left

begin "the drop of a restored database was broken off: recover makes it again"
drop_failed
sed -i '/^dbname = /a stop_command = kill -KILL $PPID' belay.ini
belay 137 restore "$snapshot" --yes
sed -i '/^stop_command = /d' belay.ini
sql postgres "UPDATE pg_database SET datconnlimit = -2 WHERE datname ~ '__belay_new_'" # as the server marks it
belay 0 recover --json
json_is outcome restored
err_has "beginning again"
nothing_left

begin "a new database that cannot be closed to others is dropped again"
# hold_catalogue NAME TABLE: keeps others from writing to it, until let_write NAME.
hold_catalogue() {
    PGAPPNAME=$1 psql -X -q -d postgres -c "BEGIN" -c "LOCK TABLE pg_catalog.$2 IN SHARE MODE" -c "SELECT pg_sleep(300)" >/dev/null 2>&1 &
}
let_write() {
    sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '$1'" >/dev/null
}
# waits TEXT: a session whose statement begins so waits for a lock.
waits() {
    [ "$(psql -X -At -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ^@ '$1'")" = 1 ]
}
sleeps() {
    [ "$(psql -X -At -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1' AND query ^@ 'SELECT pg_sleep'")" = 1 ]
}
hold_catalogue making pg_shdepend
wait_until sleeps making
LAST="belay snapshot, whose lint is disturbed"
"$BELAY" snapshot --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until waits "CREATE DATABASE"
hold_catalogue closing pg_database
wait_until waits "LOCK TABLE pg_catalog.pg_database"
let_write making
wait_until waits "REVOKE CONNECT"
sql postgres "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ^@ 'REVOKE CONNECT'" >/dev/null
wait_until waits "DROP DATABASE"
let_write closing
wait "$pid" || true
nothing_left
