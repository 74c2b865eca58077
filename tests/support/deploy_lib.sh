# shellcheck shell=bash
# What the tests of deploy, recover and restore share. Sourced after lib.sh.
#
#     start_cluster; bank_project        # database bank at revision aaaa00000001, its copy bank_before, project in $WORK/project
#     keys "gate = rename"               # the target's keys from now on, one a line
#     fresh                              # bank is a copy of bank_before again, store and pending migrations are empty
#     pending_half                       # one pending revision: see below
#     run_json 4 deploy --json           # runs belay, checks the shape of the answer (CONTRACT.md)
#     same_as_before; tidy               # the database is what it was; nothing of the run is left

bank_project() {
    PROJECT_KEYS="gate = rename" make_empty_project bank staging
    add_migration aaaa00000001 "" "Make accounts" >"$WORK/file" <<'SQL'
CREATE TABLE accounts (id integer PRIMARY KEY, owner text NOT NULL, balance numeric(12, 2) NOT NULL);
INSERT INTO accounts SELECT i, 'owner ' || i, i * 1.5 FROM generate_series(1, 200) i;
CREATE TABLE moves (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account integer NOT NULL REFERENCES accounts, amount numeric(12, 2));
INSERT INTO moves (account, amount) SELECT 1 + i % 200, i FROM generate_series(1, 500) i;

-- belay: downgrade
DROP TABLE moves, accounts;
SQL
    belay 0 upgrade head
    sql postgres "CREATE ROLE teller" "CREATE ROLE clerk LOGIN" \
        "ALTER DATABASE bank OWNER TO clerk" "COMMENT ON DATABASE bank IS 'the bank''s own words'" \
        "REVOKE CONNECT, TEMPORARY ON DATABASE bank FROM PUBLIC" "GRANT CONNECT ON DATABASE bank TO teller" \
        "ALTER DATABASE bank CONNECTION LIMIT 40" "ALTER DATABASE bank SET work_mem = '7MB'" \
        "ALTER ROLE teller IN DATABASE bank SET statement_timeout = '9s'"
    level_before=$(level_of bank)
    sql postgres "CREATE DATABASE bank_before TEMPLATE bank"
    before=$(state_of bank)
}

# keys LINES [ENVIRONMENT]
keys() {
    PROJECT_KEYS=$1 write_project bank "${2:-staging}"
}

# Database-level state, as an administrator sees it.
level_of() {
    sql postgres "SELECT r.rolname, d.datconnlimit, d.datallowconn, d.datistemplate, shobj_description(d.oid, 'pg_database'),
            (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(d.datacl) a)
        FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = '$1'" \
        "SELECT coalesce(r.rolname, '-'), s.setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE d.datname = '$1' ORDER BY 1"
}

# Schema, rows and stamp of a database.
state_of() {
    echo "$(schema_hash "$1") $(data_hash "$1") $(sql "$1" "SELECT string_agg(version_num, ' ' ORDER BY 1) FROM alembic_version")"
}

drop_all() {
    local name
    for name in $(databases); do
        case $name in
        bank | bank__belay_*) sql postgres "DROP DATABASE \"$name\" WITH (FORCE)" ;;
        esac
    done
}

fresh() {
    drop_all
    sql postgres "CREATE DATABASE bank TEMPLATE bank_before" "ALTER DATABASE bank OWNER TO clerk" \
        "COMMENT ON DATABASE bank IS 'the bank''s own words'" \
        "REVOKE CONNECT, TEMPORARY ON DATABASE bank FROM PUBLIC" "GRANT CONNECT ON DATABASE bank TO teller" \
        "ALTER DATABASE bank CONNECTION LIMIT 40" "ALTER DATABASE bank SET work_mem = '7MB'" \
        "ALTER ROLE teller IN DATABASE bank SET statement_timeout = '9s'"
    rm -rf backups
    find migrations -name '*.sql' ! -name '*aaaa00000001*' -delete
}

pending_good() {
    add_migration bbbb00000002 aaaa00000001 "Add notes" >"$WORK/file" <<'SQL'
ALTER TABLE accounts ADD COLUMN note text;
UPDATE accounts SET note = 'n' || id;

-- belay: downgrade
ALTER TABLE accounts DROP COLUMN note;

-- belay: verify
SELECT count(*) = 200 FROM accounts WHERE note IS NOT NULL;
SQL
}

pending_transaction() {
    add_migration bbbb00000002 aaaa00000001 "Fail in the transaction" >"$WORK/file" <<'SQL'
DELETE FROM moves WHERE id % 2 = 0;
ALTER TABLE accounts ADD COLUMN must text NOT NULL;
SQL
}

pending_half() {
    add_migration bbbb00000002 aaaa00000001 "Commit half, then fail" "Transaction: no" >"$WORK/file" <<'SQL'
DELETE FROM moves WHERE id % 2 = 0;
ALTER TABLE accounts DROP COLUMN owner;
ALTER TABLE accounts ADD COLUMN must text NOT NULL;
SQL
}

pending_rows() {
    add_migration bbbb00000002 aaaa00000001 "Commit rows only, then fail" "Transaction: no" >"$WORK/file" <<'SQL'
DELETE FROM moves WHERE id = 7;
SELECT 1 / 0;
SQL
}

# A good revision, and one above it that fails: the first can be taken back by its downgrade section.
pending_second_fails() {
    pending_good
    add_migration cccc00000003 bbbb00000002 "Fail on top" >"$WORK/file" <<'SQL'
SELECT 1 / 0;
SQL
}

# pending_sleep [HEADER LINE]: commits nothing (or, with "Transaction: no", a delete) before it sleeps.
pending_sleep() {
    add_migration bbbb00000002 aaaa00000001 "Take long" "$@" >"$WORK/file" <<'SQL'
DELETE FROM moves WHERE id % 2 = 0;
SELECT pg_sleep(300);
SQL
}

# run_json STATUS ARGUMENTS...: belay, and the answer has exactly CONTRACT.md's keys.
run_json() {
    belay "$@"
    python3 - "$OUT" <<'PYTHON' || fail "the answer is not as CONTRACT.md says"
import json, sys
answer = json.load(open(sys.argv[1]))
wanted = ["run", "target", "outcome", "from", "to", "snapshot", "twin", "kept", "stages", "error"]
assert sorted(answer) == sorted(wanted), sorted(answer)
assert answer["outcome"] in "succeeded untouched restored downgraded stopped refused needs_recovery".split(), answer["outcome"]
assert all(isinstance(answer[k], list) for k in ("from", "to", "stages"))
assert all(answer[k] is None or isinstance(answer[k], str) for k in ("snapshot", "twin", "kept"))
for stage in answer["stages"]:
    assert sorted(stage) == ["name", "outcome", "seconds"], stage
    assert stage["outcome"] in ("ok", "failed", "skipped") and stage["seconds"] >= 0, stage
if answer["error"] is not None:
    for key in ("code", "message", "hint", "sqlstate", "file", "line", "statement"):
        assert key in answer["error"], key
PYTHON
}

same_as_before() {
    equals "state of the database" "$(state_of bank)" "$before"
    equals "database-level state" "$(level_of bank)" "$level_before"
}

# tidy [open]: nothing of a run is left. With "closed" the gate is still closed: only sessions, locks and files are looked at.
no_sessions() {
    [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name NOT LIKE 'test%'")" = 0 ]
}
tidy() {
    local left
    wait_until no_sessions # a server's process outlives its client for a moment
    equals "advisory locks left" "$(sql postgres "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")" 0
    left=$(find backups -name '*.part' 2>/dev/null || true)
    equals "unfinished files" "$left" ""
    [ "${1:-}" != closed ] || return 0
    left=$(databases | grep -vxE 'bank|bank_before|bank__belay_failed_.*' || true)
    equals "databases left" "$left" ""
    databases | grep -qx bank || fail "there is no database bank"
    left=$(find backups -name journal.ndjson -exec grep -L '"kind":"end"' {} + 2>/dev/null || true)
    equals "unfinished journals" "$left" ""
}

# journal TEXT...: the newest run's journal has a line with all of the texts (for wait_until too).
journal() {
    local file text lines
    file=$(newest backups journal.ndjson)
    [ -n "$file" ] || return 1
    lines=$(cat "$file")
    for text in "$@"; do lines=$(grep -F -- "$text" <<<"$lines") || return 1; done
}

# holds CONDITION: for wait_until
holds() {
    [ "$(psql -X -At -d postgres -c "SELECT $1")" = t ]
}

# start_deploy ARGUMENTS...: in the background; its pid is in $run_pid. end_deploy STATUS waits for it.
start_deploy() {
    LAST="belay $* (in the background)"
    "$BELAY" "$@" >"$OUT" 2>"$ERR" </dev/null &
    run_pid=$!
}
end_deploy() {
    local status=0
    { wait "$run_pid"; } 2>/dev/null || status=$?
    [ "$status" -eq "$1" ] || fail "\`$LAST\` ended with status $status, expected $1"
}
sleeping() {
    wait_until holds "count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND state = 'active' AND pid <> pg_backend_pid()"
}

# look STATUS: the answer, the exit status and the database agree; with exit 5 recover brings it there.
look() {
    local outcome
    outcome=$(json outcome)
    echo "  $outcome, exit $1"
    case $outcome in
    succeeded) equals "exit status" "$1" 0 ;;
    untouched) equals "exit status" "$1" 1 ;;
    restored | downgraded) equals "exit status" "$1" 4 ;;
    needs_recovery | stopped)
        equals "exit status" "$1" 5
        tidy closed
        belay 0 recover --json
        outcome=$(json outcome)
        echo "  recover: $outcome"
        ;;
    *) fail "no such outcome for a deploy that began: $outcome" ;;
    esac
    if [ "$outcome" = succeeded ]; then
        sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
        equals "database-level state" "$(level_of bank)" "$level_before"
    else
        same_as_before
    fi
    tidy
}
