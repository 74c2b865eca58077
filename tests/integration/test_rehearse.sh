#!/bin/bash
# Rehearsals: on a restored copy of the bank, with failing and lossy revisions, interrupted and killed.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster

no_scratch() {
    local left
    left=$(sql postgres "SELECT datname FROM pg_database WHERE strpos(datname, '__belay_') > 0")
    [ -z "$left" ] || fail "left over: $left"
}

# The target is as it was: rows, schema and revision.
untouched() {
    equals "the target's schema" "$(schema_hash bank)" "$SCHEMA"
    equals "the target's rows" "$(data_hash bank)" "$DATA"
}

# hang MESSAGE: a pending revision that waits, so that a signal finds the rehearsal at work.
hang() {
    add_migration e00000000009 "$HEAD" "Wait" <<'SQL'
SELECT pg_sleep(600);
-- belay: downgrade
SELECT 1;
SQL
}

waiting() {
    [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND datname LIKE '%\_\_belay\_%'")" = 1 ]
}

# start_waiting: a rehearsal in the background that hangs in its migration; its id in PID.
start_waiting() {
    "$BELAY" rehearse >"$OUT" 2>"$ERR" </dev/null &
    PID=$!
    wait_until waiting
}

begin "the bank, from half of its revisions to head and back"
PROJECT_KEYS="gate = none"
make_project bank
belay 0 heads
HEAD=$(cut -d" " -f1 "$OUT")
belay 0 upgrade +4
psql -X -q -d bank -c "ALTER DATABASE bank SET work_mem = '7MB'"
SCHEMA=$(schema_hash bank)
DATA=$(data_hash bank)
belay 0 rehearse --json
json_is outcome succeeded
json_is target dev
json_is to "[\"$HEAD\"]"
json_is schema_equal true
json_is private_server false
json_is twin null
[ "$(json steps)" -gt 0 ] || fail "no revision ran"
equals "every revision went down" "$(json downgraded)" "$(json steps)"
ID=$(json snapshot)
no_scratch
untouched

begin "the snapshot is proven, and is taken again for the next rehearsal"
belay 0 snapshots --json
json_is snapshots.length 1
json_is snapshots.0.id "$ID"
json_is snapshots.0.state proven
belay 0 rehearse
out_has "on snapshot $ID"
out_has "equals the one before"
belay 0 rehearse --fresh --json
[ "$(json snapshot)" != "$ID" ] || fail "--fresh took the old snapshot"

begin "on a private server"
belay 0 rehearse --cluster --json
json_is private_server true
json_is outcome succeeded
no_scratch

begin "a part of the way, and nothing at all"
belay 0 rehearse --to d2068fe1a73b --json
json_is steps 1
belay 0 upgrade head
SCHEMA=$(schema_hash bank)
DATA=$(data_hash bank)
belay 0 rehearse --fresh --json
json_is steps 0
json_is outcome succeeded

begin "a revision that fails"
file=$(add_migration e00000000001 "$HEAD" "Break" <<'SQL'
CREATE TABLE half (a int);
SELECT 1 / 0;
-- belay: downgrade
DROP TABLE half;
SQL
)
belay 1 rehearse --json
json_is outcome untouched
json_is error.sqlstate 22012
json_is stages.5.name migrate
json_is stages.5.outcome failed
no_scratch
untouched
rm "$file"

begin "a verify section that says no"
file=$(add_migration e00000000001 "$HEAD" "Doubt" <<'SQL'
CREATE TABLE doubted (a int);
-- belay: downgrade
DROP TABLE doubted;
-- belay: verify
SELECT count(*) > 0 FROM doubted;
SQL
)
belay 1 rehearse
err_has "verify"
no_scratch
rm "$file"

begin "a downgrade that does not give the schema back"
file=$(add_migration e00000000001 "$HEAD" "Forget" <<'SQL'
CREATE TABLE remembered (a int);
CREATE INDEX remembered_a ON remembered (a);
-- belay: downgrade
DROP INDEX remembered_a;
SQL
)
belay 1 rehearse
err_has "remembered"
no_scratch
rm "$file"
file=$(add_migration e00000000001 "$HEAD" "Forget" <<'SQL'
ALTER TABLE projects ADD COLUMN IF NOT EXISTS remembered integer;
-- belay: downgrade
SELECT 1;
SQL
)
belay 0 rehearse --json
json_is schema_equal false
json schema_difference | grep remembered >/dev/null || fail "the difference does not name the column"
belay 0 rehearse
out_has "DIFFERS"
err_has "remembered"
no_scratch
rm "$file"

begin "a downgrade that fails, and a revision without one"
file=$(add_migration e00000000001 "$HEAD" "Stick" <<'SQL'
CREATE TABLE stuck (a int);
-- belay: downgrade
DROP TABLE stuck_;
SQL
)
belay 1 rehearse
err_has "downgrade"
err_has "stuck_"
no_scratch
rm "$file"
file=$(add_migration e00000000001 "$HEAD" "One way" <<'SQL'
CREATE TABLE oneway (a int);
SQL
)
belay 0 rehearse --json
json_is irreversible e00000000001
json_is schema_equal null
rm "$file"
no_scratch
untouched

begin "Ctrl-C leaves nothing behind"
file=$(hang)
start_waiting
kill -INT "$PID"
status=0
wait "$PID" || status=$?
equals "exit status after Ctrl-C" "$status" 1
no_scratch
untouched

begin "the folder of a killed rehearsal's private server is removed by the next"
export TMPDIR=$WORK/tmp
mkdir -m 755 "$TMPDIR"
"$BELAY" rehearse --cluster >"$OUT" 2>"$ERR" </dev/null &
PID=$!
wait_until grep -q "Wait" "$ERR"
dead=$(ls "$TMPDIR")
kill -KILL "$PID"
wait "$PID" 2>/dev/null || true
server_gone() { ! readlink /proc/[0-9]*/cwd 2>/dev/null | grep -F "$dead" >/dev/null; }
wait_until server_gone
belay 0 rehearse --cluster --to "$HEAD"
err_has "removed $TMPDIR/$dead"
equals "left in TMPDIR" "$(ls "$TMPDIR")" ""
unset TMPDIR

begin "a killed rehearsal's copy is dropped by the next, a living one's is not"
start_waiting
kill -KILL "$PID"
wait "$PID" 2>/dev/null || true
sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE '%\_\_belay\_%'" >/dev/null
gone() { ! waiting; }
wait_until gone
dead=$(sql postgres "SELECT datname FROM pg_database WHERE strpos(datname, '__belay_') > 0")
[ -n "$dead" ] || fail "the killed rehearsal left no copy to clean"
start_waiting
alive=$(sql postgres "SELECT datname FROM pg_database WHERE strpos(datname, '__belay_') > 0")
[ "$alive" != "$dead" ] || fail "the dead copy is still there"
equals "copies" "$(wc -l <<<"$alive")" 1
grep -qF "$dead" "$ERR" || fail "nothing says that $dead was dropped"
rm "$file"
cp "$ERR" "$WORK/err.alive"
belay 0 prove
sql_is postgres "SELECT datname FROM pg_database WHERE strpos(datname, '__belay_') > 0" "$alive"
kill -INT "$PID"
wait "$PID" || true
no_scratch
