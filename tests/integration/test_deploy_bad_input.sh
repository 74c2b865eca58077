#!/bin/bash
# Migration files that cannot be: deploy says file and line, exits 2, changes nothing, and begins no journal.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project

# refused NAME LINE: a deploy with this file pending; LINE "" when there is none to name.
refused() {
    local oid
    oid=$(sql postgres "SELECT oid FROM pg_database WHERE datname = 'bank'")
    run_json 2 deploy --json
    json_is outcome refused
    json error.file | grep -F -- "$1" >/dev/null || fail "the error does not name $1"
    [ -z "${2:-}" ] || json_is error.line "$2"
    err_has "$1${2:+:$2}"
    equals "files in the store" "$(find backups -type f 2>/dev/null || true)" ""
    sql_is postgres "SELECT oid FROM pg_database WHERE datname = 'bank'" "$oid"
    same_as_before
    tidy
}

fresh
begin "an empty file"
: >migrations/20260101_0000_bbbb00000002_empty.sql
refused 20260101_0000_bbbb00000002_empty.sql

begin "a binary file"
fresh
head -c 3000 /bin/ls >migrations/20260101_0000_bbbb00000002_binary.sql
refused 20260101_0000_bbbb00000002_binary.sql 1

begin "an upgrade section with a zero byte in it"
fresh
file=$(add_migration bbbb00000002 aaaa00000001 "Zero byte" <<<"SELECT 1;")
printf 'SELECT \0 2;\n' >>"$file"
refused "${file##*/}" 9

begin "BEGIN in a file"
fresh
file=$(add_migration bbbb00000002 aaaa00000001 "Begin" <<'SQL'
SELECT 1;
BEGIN;
DELETE FROM moves;
COMMIT;
SQL
)
refused "${file##*/}" 9

begin "BEGIN in the second of two pending files: the first is not applied"
fresh
pending_good
file=$(add_migration cccc00000003 bbbb00000002 "Begin later" <<<"BEGIN;")
refused "${file##*/}" 8

begin "an unknown parent"
fresh
file=$(add_migration bbbb00000002 ffff00000009 "Orphan" <<<"SELECT 1;")
refused "${file##*/}" 4
err_has ffff00000009

begin "the same revision id twice"
fresh
pending_good
file=$(add_migration bbbb00000002 aaaa00000001 "Same id" <<<"SELECT 1;")
refused bbbb00000002

begin "a psql command"
fresh
file=$(add_migration bbbb00000002 aaaa00000001 "Psql" <<'SQL'
SELECT 1;
\i other.sql
SQL
)
refused "${file##*/}" 9

begin "an unclosed quote"
fresh
file=$(add_migration bbbb00000002 aaaa00000001 "Unclosed" <<'SQL'
SELECT 'oops;
SQL
)
refused "${file##*/}" 8

begin "two heads, an unknown revision"
fresh
pending_good
add_migration cccc00000003 aaaa00000001 "Other head" >"$WORK/file" <<<"SELECT 1;"
run_json 2 deploy --json
json_is error.code multiple_heads
run_json 2 deploy --to nowhere --json
json_is error.code revision_unknown
same_as_before
tidy
