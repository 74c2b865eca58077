# shellcheck shell=bash
# What integration and fault tests share. A test begins with
#
#     #!/bin/bash
#     source "${BELAY_SOURCE:?}/tests/support/lib.sh"
#     start_cluster                      # $PGHOST, $PGUSER point at it; stopped and removed on exit, also after a failure
#     make_project bank                  # cd's into $WORK/project: belay.ini with target dev, the sample's migrations/
#
#     begin "upgrade applies everything"
#     belay 0 upgrade head               # runs the program, expects exit status 0; stdout in $OUT, stderr in $ERR
#     out_has "..."
#     sql_is bank "SELECT count(*) FROM projects" 0
#
# and ends with status 0 when all holds; the first thing that does not hold ends it with what was expected and seen.
#
# Conventions
# - Everything a test makes lies in $WORK (a folder of its own under BELAY_TEST_BASE, else /tmp), so tests run side by side. Nothing listens
#   on TCP but what is about TCP, on a loopback address of its own. The environment is clean: no PG*, POSTGRES_*, BELAY_*, SSH_* from
#   outside, HOME is in $WORK.
# - ctest sets BELAY (the program), BELAY_SOURCE and BELAY_TESTS (built helpers); to run a test by hand, set
#   BELAY and BELAY_SOURCE, with absolute paths. KEEP=1 leaves $WORK and the servers for a look, KEEP=files $WORK alone.
# - BELAY_PG_BIN picks the server's programs and, for belay as for the test, psql and pg_dump (see server_of.sh). BELAY_TEST_LIBSSH2 is a
#   folder with another libssh2.so.1 than the system's, for belay to load.
# - Servers are given by folder: start_cluster NAME makes $WORK/NAME (default pg). A test that needs a second server
#   starts one with another name, and reaches it with PGHOST=$(cluster_host NAME).
# - No sleeps for synchronisation: wait_until CONDITION... polls.
set -euo pipefail

: "${BELAY:?the built program}" "${BELAY_SOURCE:?the folder of the source}"
lib_program=$BELAY
lib_source=$BELAY_SOURCE
lib_tests=${BELAY_TESTS:-}
lib_base=${BELAY_TEST_BASE:-/tmp}
lib_pg_bin=${BELAY_PG_BIN:-}
lib_libssh2=${BELAY_TEST_LIBSSH2:-}
for lib_name in $(compgen -e | grep -E '^(PG|POSTGRES_|BELAY|GITHUB_|SSH_|CI$)' || true); do unset "$lib_name"; done
export BELAY=$lib_program BELAY_SOURCE=$lib_source BELAY_TESTS=$lib_tests
export LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1
if [ -n "$lib_pg_bin" ]; then
    export BELAY_PG_BIN=$lib_pg_bin PATH=$lib_pg_bin:$PATH
fi
if [ -n "$lib_libssh2" ]; then
    export BELAY_TEST_LIBSSH2=$lib_libssh2 LD_LIBRARY_PATH=$lib_libssh2${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi

WORK=$(mktemp -d "$lib_base/belay.XXXXXX")
chmod 755 "$WORK"
OUT=$WORK/out
ERR=$WORK/err
export HOME=$WORK/home
mkdir -p "$HOME"
: >"$OUT"
: >"$ERR"
LAST="(nothing was run)"
CASE=
clusters=()
endings=()

# at_end COMMAND: run when the test ends, also after a failure; the last one first, before servers are stopped.
at_end() {
    endings=("$1" ${endings[@]+"${endings[@]}"})
}

lib_cleanup() {
    local status=$?
    trap - EXIT INT TERM
    set +e
    if [ "$status" -ne 0 ]; then
        echo "FAILED${CASE:+ in: $CASE} (status $status${lib_failed:+; $lib_failed})" >&2
    fi
    if [ -n "${KEEP:-}" ] && [ "$KEEP" != files ]; then
        echo "kept: $WORK" >&2
        exit "$status"
    fi
    local pid name ending
    for ending in ${endings[@]+"${endings[@]}"}; do "$ending"; done
    for pid in $(jobs -p); do kill "$pid" 2>/dev/null; done
    for name in ${clusters[@]+"${clusters[@]}"}; do
        "$BELAY_SOURCE/tests/support/cluster.sh" "$([ -n "${KEEP:-}" ] && echo crash || echo stop)" "$WORK/$name" 2>/dev/null
    done
    cd /
    [ -n "${KEEP:-}" ] || rm -rf "$WORK"
    exit "$status"
}
trap lib_cleanup EXIT
set -E
lib_failed=
trap 'lib_failed="$(basename "${BASH_SOURCE[0]}"):$LINENO: $BASH_COMMAND"' ERR
trap 'exit 130' INT
trap 'exit 143' TERM

# newest FOLDER NAME: the file of that name (a pattern) that was changed last. Run ids of one second sort at random.
newest() {
    find "$1" -name "$2" -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d' ' -f2-
}

# begin TITLE: names what follows in failures.
begin() {
    CASE=$1
    echo "- $1"
}

# fail TEXT: ends the test; shows where, and what the last belay call printed.
fail() {
    {
        echo "FAIL: $*"
        local i
        for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
            echo "  at ${BASH_SOURCE[$i]##*/}:${BASH_LINENO[$((i - 1))]}"
        done
        echo "last call: $LAST"
        echo "--- stdout"
        head -c 4000 "$OUT"
        echo "--- stderr"
        tail -c 4000 "$ERR"
        echo "---"
    } >&2
    exit 1
}

# skip REASON: ends the test as not run (ctest shows it as skipped).
skip() {
    echo "SKIP: $*" >&2
    exit 77
}

# ---- servers

# start_cluster [NAME]: a private server; CLUSTER_CONF holds extra lines for postgresql.conf. Sets PGHOST, PGPORT, PGUSER.
start_cluster() {
    local name=${1:-pg}
    clusters+=("$name")
    "$BELAY_SOURCE/tests/support/cluster.sh" start "$WORK/$name" || fail "no test server"
    PGHOST=$(cluster_host "$name")
    export PGHOST PGPORT=5432 PGUSER=postgres
}

# start_standby NAME [PRIMARY]: a hot standby of the server PRIMARY (default pg). PGHOST stays what it is.
start_standby() {
    clusters+=("$1")
    "$BELAY_SOURCE/tests/support/cluster.sh" standby "$WORK/$1" "$WORK/${2:-pg}" || fail "no standby"
}

cluster_host() {
    echo "$WORK/${1:-pg}/s"
}

# server_log [NAME]: the path of the server's log.
server_log() {
    echo "$WORK/${1:-pg}/server.log"
}

# crash_cluster [NAME]: stops the server as a crash would; restart_cluster starts it again.
crash_cluster() {
    "$BELAY_SOURCE/tests/support/cluster.sh" crash "$WORK/${1:-pg}" || fail "the server did not stop"
}
restart_cluster() {
    "$BELAY_SOURCE/tests/support/cluster.sh" restart "$WORK/${1:-pg}" || fail "the server did not start again"
}

# stop_cluster [NAME]: ends and removes it before the test ends.
stop_cluster() {
    "$BELAY_SOURCE/tests/support/cluster.sh" stop "$WORK/${1:-pg}"
}

# sql DB QUERY...: unaligned tuples, as psql -At; ends the test on an error.
sql() {
    local db=$1
    shift
    local query args=()
    for query in "$@"; do args+=(-c "$query"); done
    psql -X -A -t -q -v ON_ERROR_STOP=1 -d "$db" "${args[@]}" </dev/null || fail "psql: $*"
}

# sql_file DB FILE
sql_file() {
    psql -X -A -t -q -v ON_ERROR_STOP=1 -d "$1" -f "$2" </dev/null || fail "psql -f $2"
}

# sql_is DB QUERY EXPECTED
sql_is() {
    local got
    got=$(sql "$1" "$2")
    [ "$got" = "$3" ] || fail "database $1: $2
  expected: $3
  got:      $got"
}

databases() {
    sql postgres "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"
}

# schema_of DB: the schema as pg_dump writes it, without what differs at each call. Other options may follow.
schema_of() {
    local db=$1
    shift
    pg_dump --schema-only --no-comments -d "$db" "$@" | grep -v -e '^\\restrict ' -e '^\\unrestrict ' -e '^-- Dumped '
}

# schema_hash DB [pg_dump options], data_hash DB: equal for equal schemas and equal rows. The schema belay (its ledger)
# is left out of both, alembic_version is in.
schema_hash() {
    schema_of "$@" --exclude-schema=belay | sha256sum | cut -d' ' -f1
}
data_hash() {
    local db=$1 table
    sql "$db" "SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema', 'belay') ORDER BY 1" |
        while read -r table; do
            echo "$table $(sql "$db" "SELECT count(*), md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM $table t")"
        done | sha256sum | cut -d' ' -f1
}

# row_hashes DB: of each table, whatever the order of rows and columns; partitions together, since a hash of an enum's
# value is another in each database.
row_hashes() {
    psql -X -A -t -q -v ON_ERROR_STOP=1 -d "$1" <<'SQL'
SELECT format($f$SELECT %L, count(*), sum(('x' || md5(j))::bit(64)::bigint::numeric) FROM (
    SELECT (SELECT string_agg(format('%%s=%%s', e.key, e.value), ',' ORDER BY e.key COLLATE "C") FROM jsonb_each_text(to_jsonb(whole_row)) e) AS j
    FROM %s%I.%I whole_row) x$f$, c.relname, CASE relkind WHEN 'r' THEN 'ONLY ' END, nspname, relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname NOT IN ('pg_catalog', 'information_schema', 'belay')
ORDER BY nspname COLLATE "C", relname COLLATE "C" \gexec
SQL
}

# ---- projects

# make_project [DB [ENVIRONMENT]]: creates the database DB (default bank) and a project folder $WORK/project with belay.ini
# (targets dev and env-less settings below), a copy of the sample's migrations and a local store in backups/; cd's there.
# More lines for the target's section come from stdin when PROJECT_KEYS is not set; usually: PROJECT_KEYS="gate = none".
make_project() {
    local db=${1:-bank} environment=${2:-development}
    sql postgres "CREATE DATABASE \"$db\""
    write_project "$db" "$environment"
    cp -R "$BELAY_SOURCE/migrations/." "$WORK/project/migrations/"
}

# make_empty_project [DB [ENVIRONMENT]]: the same with an empty migrations folder.
make_empty_project() {
    local db=${1:-bank} environment=${2:-development}
    sql postgres "CREATE DATABASE \"$db\""
    write_project "$db" "$environment"
}

write_project() {
    local db=$1 environment=$2
    mkdir -p "$WORK/project/migrations"
    cat >"$WORK/project/belay.ini" <<INI
[belay]
migrations = migrations
default_target = dev

[target.dev]
environment = $environment
host = $PGHOST
user = postgres
dbname = $db
store = local
${PROJECT_KEYS:-}

[store.local]
path = backups
INI
    cd "$WORK/project"
}

# add_migration ID REVISES MESSAGE [HEADER LINE...] <<SQL: a migration file from stdin, which holds the sections (with
# their "-- belay: ..." lines; text before the first one belongs to upgrade). Prints its path.
add_migration() {
    local id=$1 revises=$2 message=$3 slug file line
    shift 3
    slug=$(tr -cs 'A-Za-z0-9' '_' <<<"$message" | tr '[:upper:]' '[:lower:]' | sed 's/^_//; s/_$//')
    file=migrations/20260101_0000_${id}_$slug.sql
    {
        printf -- '-- %s\n--\n-- Revision ID: %s\n-- Revises: %s\n-- Create Date: 2026-01-01 00:00:00+00:00\n' "$message" "$id" "$revises"
        for line in "$@"; do printf -- '-- %s\n' "$line"; done
        printf '\n'
        awk 'NR == 1 && !/^-- belay: / { print "-- belay: upgrade" } { print }'
    } >"$file"
    echo "$file"
}

# ---- the program

# belay STATUS ARGUMENTS...: runs the program in the current folder without a terminal, and expects that exit status.
belay() {
    local expected=$1 status=0
    shift
    LAST="belay $*"
    "$BELAY" "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
    [ "$status" -eq "$expected" ] || fail "\`$LAST\` ended with status $status, expected $expected"
}

out_has() {
    grep -qF -- "$1" "$OUT" || fail "stdout lacks: $1"
}
out_lacks() {
    ! grep -qF -- "$1" "$OUT" || fail "stdout must not have: $1"
}
out_is() {
    [ "$(cat "$OUT")" = "$1" ] || fail "stdout is not exactly: $1"
}
err_has() {
    grep -qF -- "$1" "$ERR" || fail "stderr lacks: $1"
}
err_lacks() {
    ! grep -qF -- "$1" "$ERR" || fail "stderr must not have: $1"
}

# json PATH: a value of the JSON document in $OUT: dotted names and indexes, "stages.0.name"; "length" counts a list.
# Text as it is, everything else as JSON (null, true, [..]).
json() {
    python3 - "$OUT" "$1" <<'PYTHON' || fail "stdout: no $1 in the JSON"
import json, sys
value = json.load(open(sys.argv[1]))
for part in [p for p in sys.argv[2].split(".") if p]:
    if isinstance(value, list):
        value = len(value) if part == "length" else value[int(part)]
    else:
        value = value[part]
print(value if isinstance(value, str) else json.dumps(value))
PYTHON
}
json_is() {
    local got
    got=$(json "$1")
    [ "$got" = "$2" ] || fail "JSON $1 is $got, expected $2"
}

# equals WHAT GOT EXPECTED
equals() {
    [ "$2" = "$3" ] || fail "$1: got \"$2\", expected \"$3\""
}

# wait_until COMMAND...: polls until it succeeds, at most 60 seconds.
wait_until() {
    local deadline=$((SECONDS + 60))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "did not happen within 60 s: $*"
        sleep 0.05
    done
}

# small_disk: a disk of 4 MB at $SMALL_DISK, gone at the end of the test. Skips where none can be mounted.
small_disk() {
    [ "$(id -u)" -eq 0 ] || skip "only root can mount a tmpfs"
    SMALL_DISK=$WORK/small
    mkdir "$SMALL_DISK"
    mount -t tmpfs -o size=4m,mode=0700 tmpfs "$SMALL_DISK" 2>"$WORK/mount" || skip "no tmpfs: $(cat "$WORK/mount")"
    trap unmount_and_clean EXIT
}
unmount_and_clean() {
    local status=$?
    cd /
    umount -l "$SMALL_DISK" || true
    (exit "$status")
    lib_cleanup
}
