# shellcheck shell=bash
# The kill harness: ends a run at a chosen moment, recovers at once, and looks at what is left. Sourced after lib.sh.
#
#     start_cluster; kill_project restoring      # or: succeeding, failing
#     kill_each_record                           # SIGKILL before and after every journal record
#     kill_histogram                             # where it was struck, and what became of it
#
# Every round starts from the same database (a copy of bank_before) and store. After the recovery
#   - the database has its own name, and schema, rows, sequences and stamp are those that the outcome stands for;
#   - no session, lock, prepared transaction or process of the run is left, no database of belay's but a kept failed one,
#     which nobody can connect to, no temporary or unfinished file, and each published snapshot verifies;
#   - nothing is committed later: a second look shows the same;
#   - in every fifth round the same command, run again, ends as an undisturbed one does.
#
# KILL_KEYS: keys of the target, one a line (default: gate = rename). KILL_COMMAND: what is run (default: deploy).

[ -e "${BELAY_TESTS:?}/killer.so" ] || skip "killer.so is not part of this build (sanitizers)"
KILLER=$WORK/killer.so # LD_PRELOAD cannot hold a path with a space
cp "$BELAY_TESTS/killer.so" "$KILLER"
KILL_COMMAND=(deploy)
export TMPDIR=$WORK/tmp PGAPPNAME=test # so that sessions of the harness are told from those of a run
mkdir "$TMPDIR"
chmod 1777 "$TMPDIR"
declare -A state_for=() seen=()
round=0

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
    "kill_pending_$kind"
    sql postgres "ALTER DATABASE bank RENAME TO bank_before"
    state_for=([untouched]=$(state_of bank_before))
    state_for[restored]=${state_for[untouched]}
    kill_undisturbed
}

# kill_next: throws the project and its databases away, so that kill_project makes another one on the same server.
kill_next() {
    kill_histogram
    seen=()
    KILL_COMMAND=(deploy)
    kill_fresh
    cd "$WORK" || exit
    rm -rf project store
    sql postgres "DROP DATABASE bank WITH (FORCE)" "DROP DATABASE bank_before WITH (FORCE)"
}

kill_pending_succeeding() {
    add_migration aaaa00000002 aaaa00000001 "Add notes" >"$WORK/file" <<'SQL'
ALTER TABLE accounts ADD COLUMN note text;
UPDATE accounts SET note = 'n' || id;
SQL
    add_migration aaaa00000003 aaaa00000002 "Index the notes" "Transaction: no" >"$WORK/file" <<'SQL'
DELETE FROM moves WHERE id % 2 = 0;
CREATE INDEX CONCURRENTLY accounts_note ON accounts (note);
SQL
    expected=0 expected_outcome=succeeded
}

kill_pending_failing() {
    add_migration aaaa00000002 aaaa00000001 "Fail in the transaction" >"$WORK/file" <<'SQL'
DELETE FROM moves WHERE id % 2 = 0;
ALTER TABLE accounts ADD COLUMN must text NOT NULL;
SQL
    expected=1 expected_outcome=untouched
}

kill_pending_restoring() {
    add_migration aaaa00000002 aaaa00000001 "Commit half, then fail" "Transaction: no" >"$WORK/file" <<'SQL'
DELETE FROM moves WHERE id % 2 = 0;
ALTER TABLE accounts DROP COLUMN owner;
ALTER TABLE accounts ADD COLUMN must text NOT NULL;
SQL
    expected=4 expected_outcome=restored
}

# The command as nothing disturbs it: how many records it writes, how long it takes, what it leaves.
kill_undisturbed() {
    kill_fresh
    begin "an undisturbed $kind run"
    rm -f "$WORK/records"
    kill_clock
    KILLER_LOG=$WORK/records LD_PRELOAD=$KILLER kill_run "${KILL_COMMAND[@]}"
    kill_measured
    [ "$status" -eq "$expected" ] || fail "\`$LAST\` ended with status $status, expected $expected"
    records=$(tail -n 1 "$WORK/records" 2>/dev/null || echo 0)
    : "${state_for[$expected_outcome]:=$(state_of bank)}"
    kill_look "$expected_outcome"
    echo "  $records moments, $run_ms ms"
}

kill_clock() {
    kill_started=$(date +%s%N)
}
kill_measured() {
    run_ms=$((($(date +%s%N) - kill_started) / 1000000))
}

# kill_run ARGUMENTS...: runs belay, whatever comes; the status is in $status. Never longer than two minutes.
kill_run() {
    LAST="belay $*"
    status=0
    { KILL_MARK=$WORK env -u PGAPPNAME timeout -s KILL 120 "$BELAY" "$@" >"$OUT" 2>"$ERR" </dev/null; } 2>/dev/null || status=$?
}

# belay_ends STATUS ARGUMENTS...: like belay, never longer than two minutes.
belay_ends() {
    local wanted=$1
    shift
    kill_run "$@"
    [ "$status" -eq "$wanted" ] || fail "\`$LAST\` ended with status $status, expected $wanted"
}

# Schema, rows, sequences and stamp of a database. Where rows lie in a table does not matter. After a crash of the server
# a sequence may stand further on (KILL_CRASHES).
state_of() {
    pg_dump --no-comments --inserts --exclude-schema=belay -d "$1" |
        grep -v -e '^\\restrict ' -e '^\\unrestrict ' -e '^-- Dumped ' ${KILL_CRASHES:+-e 'pg_catalog.setval('} |
        sort | sha256sum | cut -d' ' -f1
}

# Throws away the database and what runs left beside it; bank is a copy of bank_before again. The store is that of
# $WORK/store (none: empty).
kill_fresh() {
    psql -X -A -t -q -v ON_ERROR_STOP=1 -d postgres >"$WORK/fresh" <<'SQL' || fail "bank cannot be made again"
SELECT format('ALTER DATABASE %I IS_TEMPLATE false', datname) FROM pg_database WHERE datname LIKE '%\_\_belay\_%' AND datistemplate \gexec
SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE datname = 'bank' OR datname LIKE '%\_\_belay\_%' \gexec
CREATE DATABASE bank TEMPLATE bank_before;
SQL
    rm -rf backups
    [ ! -d "$WORK/store" ] || cp -R "$WORK/store" backups
}

# Lines of what must not be on the server while no run is under way.
left_on_server() {
    sql postgres "SELECT format('session %s of %L in %s: %s', pid, application_name, datname, query) FROM pg_stat_activity
            WHERE backend_type IN ('client backend', 'parallel worker', 'walsender') AND application_name <> 'test'
        UNION ALL SELECT 'advisory lock of ' || pid FROM pg_locks WHERE locktype = 'advisory'
        UNION ALL SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts
        UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots
        UNION ALL SELECT 'database ' || datname FROM pg_database
            WHERE datname NOT IN ('template0', 'template1', 'postgres', 'bank', 'bank_before') AND datname NOT LIKE 'bank\_\_belay\_failed\_%'
        UNION ALL SELECT 'open door of ' || datname FROM pg_database WHERE datname LIKE 'bank\_\_belay\_failed\_%' AND datallowconn
        UNION ALL SELECT 'changed setting of bank' FROM pg_database WHERE datname = 'bank'
            AND (NOT datallowconn OR datistemplate OR datconnlimit <> -1 OR shobj_description(oid, 'pg_database') IS NOT NULL)"
}

# The same when the server has seen that the last command closed its connections, which takes it a moment. Sessions of
# the killed run ($killed) get none: recover has waited for those.
left_after_a_moment() {
    local left try
    for try in $(seq 20); do
        left=$(left_on_server)
        if [ -z "$left" ] || grep -qF -- "${killed:-none}" <<<"$left"; then break; fi
        [ "$try" -eq 20 ] || sleep 0.1
    done
    printf '%s' "$left"
}

# Processes that the run started. A killed one needs a moment to be gone.
left_of_processes() {
    local file try
    for try in $(seq 20); do
        file=$(grep -lszFx "KILL_MARK=$WORK" /proc/[0-9]*/environ 2>/dev/null || true)
        [ -n "$file" ] || return 0
        [ "$try" -eq 20 ] || sleep 0.1
    done
    for file in $file; do
        echo "process ${file//[^0-9]/}: $(tr '\0' ' ' <"${file%/environ}/cmdline" 2>/dev/null)"
    done
}

# Files that are neither a whole snapshot nor its proof, what the lint remembers, a journal or a report; and anything temporary.
left_of_files() {
    find "$TMPDIR" -mindepth 1
    [ ! -d backups ] || find backups -type f ! -name '*.tar' ! -name '*.proof.json' ! -name lint.json ! -path '*/runs/*/journal.ndjson' ! -path '*/runs/*/report.json' ! -path '*/runs/ended'
}

# kill_look OUTCOME: what has to hold after a run that ended so.
kill_look() {
    local state snapshot kept
    equals "left on the server" "$(left_after_a_moment)" ""
    equals "processes left" "$(left_of_processes)" ""
    equals "files left" "$(left_of_files)" ""
    state=$(state_of bank)
    [ "$state" = "${state_for[$1]}" ] || fail "the run is said to have ended \"$1\", and the database is not in that state: $state
$(for each in "${!state_for[@]}"; do echo "  $each: ${state_for[$each]}"; done)"
    kept=$(databases | grep -c '__belay_failed_' || true)
    equals "kept databases of a run that ended $1" "$kept" "$([ "$1" = restored ] && echo 1 || echo 0)"
    for snapshot in backups/*/*.tar; do
        [ -e "$snapshot" ] || continue
        snapshot=${snapshot##*/}
        belay_ends 0 verify "${snapshot%.tar}"
    done
    [ "$((round % 10))" -ne 0 ] || sleep 1 # a backend that outlived its client would commit about now
    equals "the state at a second look" "$(state_of bank)" "$state"
}

# The newest run's journal; the last act in it, as a place in the run; the outcome that it ended with.
kill_journal() {
    find backups -name journal.ndjson 2>/dev/null | grep -vxFf "$WORK/journals" | sort | tail -n 1
}
kill_place() {
    local file place
    file=$(kill_journal)
    [ -n "$file" ] || { echo "before the journal"; return; }
    place=$(sed -nE 's/^.*"kind":"([a-z]+)","act":"([a-z._]+)"(,"state":"([a-z]+)")?.*\}$/\1 \2 \4/p' "$file" | tail -n 1)
    echo "${place:-in the first record}"
}
kill_ended() {
    local file
    file=$(kill_journal)
    [ -n "$file" ] || return 0
    sed -nE 's/^.*"kind":"end","act":"run","outcome":"([a-z_]+)".*\}$/\1/p' "$file"
}

# Recovers at once, and looks; every fifth round the command is run again. $place tells where it was struck.
kill_recover() {
    local ended outcome killed
    killed=$(kill_journal || true)
    killed=$(basename "${killed%/*}")
    place=$(kill_place)
    ended=$(kill_ended)
    belay_ends 0 recover --json
    outcome=$(sed -nE 's/^.*"outcome": ?"([a-z_]+)".*$/\1/p' "$OUT" | head -n 1)
    if grep -q 'nothing to recover' "$ERR"; then
        outcome=${ended:-untouched}
        [ -n "$ended" ] || [ "$place" = "before the journal" ] || [ "$place" = "in the first record" ] || fail "an unfinished run was not found"
    else
        [ -z "$ended" ] || fail "a run that had ended was recovered"
    fi
    echo "  $place: $outcome"
    seen[$place -> $outcome]=$((${seen[$place -> $outcome]:-0} + 1))
    kill_look "$outcome"
    round=$((round + 1))
    [ "$((round % 5))" -eq 0 ] || return 0
    [ "$outcome" = untouched ] || [ "$expected" -ne 0 ] || return 0
    [ "$outcome" = untouched ] || sql postgres "$(databases | sed -nE 's/^(.*__belay_failed_.*)$/DROP DATABASE "\1";/p')"
    belay_ends "$expected" "${KILL_COMMAND[@]}"
    kill_look "$expected_outcome"
}

# Where runs were struck, and what became of them.
kill_histogram() {
    local key
    echo "  ${#seen[@]} places and outcomes:"
    for key in "${!seen[@]}"; do printf '  %5d  %s\n' "${seen[$key]}" "$key"; done | sort -k2
}

# kill_at N WHEN: one round.
kill_at() {
    begin "$kind: killed $2 moment $1 of $records"
    kill_fresh
    find backups -name journal.ndjson >"$WORK/journals" 2>/dev/null || true
    KILLER_AT=$1 KILLER_WHEN=$2 LD_PRELOAD=$KILLER kill_run "${KILL_COMMAND[@]}"
    [ "$status" -eq 137 ] || fail "the run was not killed; it ended with status $status"
    kill_recover
}

# kill_each_record [STRIDE [OFFSET]]: SIGKILL before (or in the middle of) and after each record; or each STRIDE-th.
kill_each_record() {
    local n
    for n in $(seq "$((1 + ${2:-0} % ${1:-1}))" "${1:-1}" "$records"); do
        kill_at "$n" "$([ "$((n % 3))" -eq 0 ] && echo torn || echo before)"
        kill_at "$n" after
    done
}

# When a run began its journal, in milliseconds since kill_clock: the folder of the runs got its folder then.
kill_begun_ms() {
    local at
    at=$(stat -c %.Y backups/dev/runs)
    begun_ms=$(((${at/[.,]/} - kill_started) / 1000000))
}

# kill_at_random COUNT: at times spread over an undisturbed run's duration, and a little beyond; every fifth before the
# journal begins, where a run only looks. The duration is measured again now and then, since other things on the
# machine come and go.
kill_at_random() {
    local i ms pid
    for i in $(seq 1 "$1"); do
        kill_fresh
        if [ "$((i % 25))" -eq 1 ]; then
            kill_clock
            belay_ends "$expected" "${KILL_COMMAND[@]}"
            kill_measured
            kill_begun_ms
            kill_fresh
        fi
        find backups -name journal.ndjson >"$WORK/journals" 2>/dev/null || true
        ms=$((begun_ms + (RANDOM * 32768 + RANDOM) % (run_ms - begun_ms + run_ms / 20 + 1)))
        [ "$((i % 5))" -ne 0 ] || ms=$(((RANDOM * 32768 + RANDOM) % (begun_ms + 1)))
        begin "$kind: killed after $ms of $run_ms ms, the journal began at $begun_ms (round $i of $1)"
        KILL_MARK=$WORK env -u PGAPPNAME "$BELAY" "${KILL_COMMAND[@]}" >"$OUT" 2>"$ERR" </dev/null &
        pid=$!
        sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))" # the moment is the point, not a wait for something
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        kill_recover
        case $place in end*) run_ms=$((run_ms - run_ms / 20)) ;; esac # it was over: the machine is less busy now
    done
}

# kill_at_random_calls COUNT: at one of the calls to server and store, of which there are many where little time passes.
kill_at_random_calls() {
    local i call calls
    rm -f "$WORK/records"
    kill_fresh
    KILLER_ON=call KILLER_LOG=$WORK/records LD_PRELOAD=$KILLER belay_ends "$expected" "${KILL_COMMAND[@]}"
    calls=$(tail -n 1 "$WORK/records")
    for i in $(seq 1 "$1"); do
        kill_fresh
        find backups -name journal.ndjson >"$WORK/journals" 2>/dev/null || true
        call=$((1 + RANDOM % calls))
        begin "$kind: killed at call $call of $calls (round $i of $1)"
        KILLER_ON=call KILLER_AT=$call LD_PRELOAD=$KILLER kill_run "${KILL_COMMAND[@]}"
        [ "$status" -eq 137 ] || [ "$status" -eq "$expected" ] || fail "it ended with status $status"
        kill_recover
    done
}

# kill_server_at N [again]: the server crashes at the N-th record; "again": it is back before belay goes on.
kill_server_at() {
    local command="'$BELAY_SOURCE/tests/support/cluster.sh' crash '$WORK/pg'"
    begin "$kind: the server crashed at record $1 of $records${2:+, and started again}"
    kill_fresh
    : >"$WORK/journals"
    [ -z "${2:-}" ] || command="$command && env -u KILL_MARK '$BELAY_SOURCE/tests/support/cluster.sh' restart '$WORK/pg'"
    KILLER_AT=$1 KILLER_CMD="$command" LD_PRELOAD=$KILLER kill_run "${KILL_COMMAND[@]}"
    [ "$status" -ne 137 ] || fail "the run hung"
    echo "  it ended with status $status"
    [ -n "${2:-}" ] || restart_cluster
    kill_recover
}
