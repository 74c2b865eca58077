# shellcheck shell=bash
# The kill harness: ends a deploy at a chosen moment, recovers, and looks at what is left. Sourced after lib.sh.
#
#     start_cluster; kill_project restoring      # or: succeeding, failing
#     kill_each_record                           # SIGKILL before and after every journal record
#
# Every round starts from the same database (a copy of bank_before) and an empty store. After the recovery
#   - the database has its own name, and schema, rows and stamp are those of before, or (succeeding) all those of after;
#   - no session of the run is left, no lock, no database of belay's but a kept failed one, no unfinished file;
#   - nothing is committed later: a second look shows the same;
#   - in every fifth round the same deploy, run again, ends as an undisturbed one does.

[ -e "${BELAY_TESTS:?}/killer.so" ] || skip "killer.so is not part of this build (sanitizers)"
KILLER=$WORK/killer.so # LD_PRELOAD cannot hold a path with a space
cp "$BELAY_TESTS/killer.so" "$KILLER"

# KILL_KEYS: more keys of the target, one a line (default: gate = rename).
# kill_project KIND: a small database at its first revision, and one pending deploy that ends as KIND says.
kill_project() {
    kind=$1
    PROJECT_KEYS="${KILL_KEYS:-gate = rename}" make_empty_project bank staging
    add_migration aaaa00000001 "" "Make accounts" >"$WORK/file" <<'SQL'
CREATE TABLE accounts (id integer PRIMARY KEY, owner text NOT NULL, balance numeric(12, 2) NOT NULL);
INSERT INTO accounts SELECT i, 'owner ' || i, i * 1.5 FROM generate_series(1, 500) i;
CREATE TABLE moves (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account integer NOT NULL REFERENCES accounts, amount numeric(12, 2));
INSERT INTO moves (account, amount) SELECT 1 + i % 500, i FROM generate_series(1, 2000) i;
SQL
    belay 0 upgrade head
    case $kind in
    succeeding)
        add_migration aaaa00000002 aaaa00000001 "Add notes" >"$WORK/file" <<'SQL'
ALTER TABLE accounts ADD COLUMN note text;
UPDATE accounts SET note = 'n' || id;
SQL
        add_migration aaaa00000003 aaaa00000002 "Index the notes" "Transaction: no" >"$WORK/file" <<'SQL'
DELETE FROM moves WHERE id % 2 = 0;
CREATE INDEX CONCURRENTLY accounts_note ON accounts (note);
SQL
        expected=0
        ;;
    failing)
        add_migration aaaa00000002 aaaa00000001 "Fail in the transaction" >"$WORK/file" <<'SQL'
DELETE FROM moves WHERE id % 2 = 0;
ALTER TABLE accounts ADD COLUMN must text NOT NULL;
SQL
        expected=1
        ;;
    restoring)
        add_migration aaaa00000002 aaaa00000001 "Commit half, then fail" "Transaction: no" >"$WORK/file" <<'SQL'
DELETE FROM moves WHERE id % 2 = 0;
ALTER TABLE accounts DROP COLUMN owner;
ALTER TABLE accounts ADD COLUMN must text NOT NULL;
SQL
        expected=4
        ;;
    *) fail "no such kind of run: $kind" ;;
    esac
    sql postgres "ALTER DATABASE bank RENAME TO bank_before"
    state_before=$(state_of bank_before)
    kill_fresh
    begin "an undisturbed $kind run"
    local start
    start=$(date +%s%N)
    KILLER_LOG=$WORK/records LD_PRELOAD=$KILLER belay_ends "$expected" deploy
    run_ms=$((($(date +%s%N) - start) / 1000000))
    records=$(tail -n 1 "$WORK/records")
    state_after=$(state_of bank)
    [ "$expected" = 0 ] || equals "the state after a $kind run" "$state_after" "$state_before"
    kill_look
    echo "  $records records, $run_ms ms"
}

# belay_ends STATUS ARGUMENTS...: like belay, with the environment of the call.
belay_ends() {
    local wanted=$1
    shift
    kill_run "$@"
    [ "$status" -eq "$wanted" ] || fail "\`$LAST\` ended with status $status, expected $wanted"
}

# kill_run ARGUMENTS...: runs belay, whatever comes; the status is in $status. Never longer than two minutes.
kill_run() {
    LAST="belay $*"
    status=0
    { timeout -s KILL 120 "$BELAY" "$@" >"$OUT" 2>"$ERR" </dev/null; } 2>/dev/null || status=$?
}

# Schema, rows and stamp of a database.
state_of() {
    echo "$(schema_hash "$1") $(data_hash "$1") $(sql "$1" "SELECT string_agg(version_num, ' ' ORDER BY 1) FROM alembic_version")"
}

# Throws away the database, what runs left beside it, and the store; bank is a copy of bank_before again.
kill_fresh() {
    local name
    for name in $(databases); do
        [ "$name" != bank_before ] || continue
        sql postgres "ALTER DATABASE \"$name\" IS_TEMPLATE false" "DROP DATABASE \"$name\" WITH (FORCE)"
    done
    sql postgres "CREATE DATABASE bank TEMPLATE bank_before"
    rm -rf backups
}

sessions_left() {
    sql postgres "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
}

# What has to hold whenever no run is under way.
kill_look() {
    local state left
    equals "sessions left" "$(sessions_left)" 0
    equals "advisory locks left" "$(sql postgres "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")" 0
    left=$(databases | grep -vxE 'bank|bank_before|bank__belay_failed_.*' || true)
    equals "databases left" "$left" ""
    left=$(find backups -name '*.part' 2>/dev/null || true)
    equals "unfinished files" "$left" ""
    state=$(state_of bank)
    if [ "$state" != "$state_before" ] && [ "$state" != "$state_after" ]; then
        fail "the database is in none of the states a run may end in: $state
  before: $state_before
  after:  $state_after"
    fi
    equals "the state at a second look" "$(state_of bank)" "$state"
}

# kill_recover ROUND: recovers at once, looks; every fifth round the deploy is run again.
kill_recover() {
    belay_ends 0 recover --json
    echo "  $(python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get("outcome", "nothing to recover"))' "$OUT")"
    kill_look
    [ "$(($1 % 5))" -eq 0 ] || return 0
    [ "$(state_of bank)" = "$state_before" ] || { belay_ends 0 deploy && return 0; }
    belay_ends "$expected" deploy
    kill_look
}

# kill_at N WHEN: one round.
kill_at() {
    begin "$kind: killed $2 record $1 of $records"
    kill_fresh
    KILLER_AT=$1 KILLER_WHEN=$2 LD_PRELOAD=$KILLER kill_run deploy
    [ "$status" -eq 137 ] || fail "the run was not killed; it ended with status $status"
    kill_recover "$1"
}

kill_each_record() {
    local n
    for n in $(seq 1 "$records"); do
        kill_at "$n" "$([ "$((n % 3))" -eq 0 ] && echo torn || echo before)"
        kill_at "$n" after
    done
}

# kill_at_random COUNT: at times spread over an undisturbed run's duration (and a little beyond).
kill_at_random() {
    local i ms pid start
    kill_fresh
    start=$(date +%s%N) # the first run was slower: a cold server, the preloaded library
    belay_ends "$expected" deploy
    run_ms=$((($(date +%s%N) - start) / 1000000))
    for i in $(seq 1 "$1"); do
        ms=$(((RANDOM * 32768 + RANDOM) % (run_ms + run_ms / 10 + 1)))
        begin "$kind: killed after $ms ms (round $i of $1)"
        kill_fresh
        "$BELAY" deploy >"$OUT" 2>"$ERR" </dev/null &
        pid=$!
        sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))" # the moment is the point, not a wait for something
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        kill_recover "$i"
    done
}

# kill_server_at N [again]: the server crashes at the N-th record; "again": it is back before belay goes on.
kill_server_at() {
    local command="'$BELAY_SOURCE/tests/support/cluster.sh' crash '$WORK/pg'"
    begin "$kind: the server crashed at record $1 of $records${2:+, and started again}"
    kill_fresh
    [ -z "${2:-}" ] || command="$command && '$BELAY_SOURCE/tests/support/cluster.sh' restart '$WORK/pg'"
    KILLER_AT=$1 KILLER_CMD="$command" LD_PRELOAD=$KILLER kill_run deploy
    [ "$status" -ne 137 ] || fail "the run hung"
    echo "  deploy ended with status $status"
    [ -n "${2:-}" ] || restart_cluster
    kill_recover "$1"
}
