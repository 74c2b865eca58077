#!/bin/bash
# Migration files far larger than the memory that belay may take: 1 GB of COPY data, hundreds of megabytes of statements,
# one statement of 100 MB. BIG_COPY_MB, BIG_INSERTS_MB and BIG_STATEMENT_MB change the sizes.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
copy_mb=${BIG_COPY_MB:-1024} inserts_mb=${BIG_INSERTS_MB:-256} statement_mb=${BIG_STATEMENT_MB:-100}
bound_mb=32
CLUSTER_CONF='fsync = off' start_cluster
make_empty_project bank
[ "$(df --output=avail -m "$WORK" | tail -n 1)" -gt $((3 * copy_mb + 2 * inserts_mb)) ] || skip "not enough space in $WORK"

# measured STATUS MOST_MB ARGUMENTS...: belay, which may take at most so much memory at its peak; that is left in $PEAK_MB.
measured() {
    local expected=$1 most=$2 status=0
    shift 2
    LAST="belay $*"
    python3 - "$WORK/peak" "$BELAY" "$@" >"$OUT" 2>"$ERR" <<'PYTHON' || status=$?
import os, sys
peak, program, *arguments = sys.argv[1:]
child = os.posix_spawn(program, [program, *arguments], os.environ,
                       file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)])
_, status, usage = os.wait4(child, 0)
open(peak, "w").write("%d %d\n" % (usage.ru_maxrss // 1024, usage.ru_utime + usage.ru_stime))
sys.exit(os.waitstatus_to_exitcode(status))
PYTHON
    [ "$status" -eq "$expected" ] || fail "\`$LAST\` ended with status $status, expected $expected"
    local seconds
    read -r PEAK_MB seconds <"$WORK/peak"
    echo "    $LAST: peak $PEAK_MB MB, $seconds s of its own"
    [ "$PEAK_MB" -le "$most" ] || fail "\`$LAST\` took $PEAK_MB MB, more than $most"
}

# header ID REVISES MESSAGE
header() {
    printf -- '-- %s\n--\n-- Revision ID: %s\n-- Revises: %s\n-- Create Date: 2026-01-01 00:00:00+00:00\n\n' "$3" "$1" "$2"
    echo '-- belay: upgrade'
}

begin "$copy_mb MB of COPY data"
{
    header aaaa00000001 "" "Copy"
    echo 'CREATE UNLOGGED TABLE big (id bigint, word text);'
    echo 'COPY big FROM stdin;'
    python3 -c '
import sys
word = "it is; not -- the \x27 end " * 40
rows = int(sys.argv[1]) * 1024 * 1024 // (len(word) + 9)
for first in range(0, rows, 1000):
    sys.stdout.write("".join("%07d\t%s\n" % (i, word) for i in range(first, first + 1000)))
' "$copy_mb"
    echo '\.'
    printf -- '-- belay: downgrade\nDROP TABLE big;\n-- belay: verify\nSELECT count(*) > 0 FROM big;\n'
} >migrations/aaaa00000001_copy.sql
rows=$(awk '/^COPY/ { copying = 1; next } /^\\\.$/ { exit } copying { n++ } END { print n }' migrations/aaaa00000001_copy.sql)
measured 0 "$bound_mb" history
measured 0 "$bound_mb" current
measured 0 "$bound_mb" upgrade head --plan
measured 0 "$bound_mb" upgrade head
sql_is bank "SELECT count(*) = $rows AND max(id) = $rows - 1 FROM big" t
measured 0 "$bound_mb" check
measured 0 "$bound_mb" downgrade base
rm migrations/*

begin "$inserts_mb MB of INSERT statements"
{
    header bbbb00000001 "" "Insert"
    echo 'CREATE UNLOGGED TABLE many (id bigint, word text);'
    python3 -c '
import sys
word = "it is; not -- the \x27\x27 end " * 160
rows = int(sys.argv[1]) * 1024 * 1024 // (len(word) + 40)
for i in range(rows):
    sys.stdout.write("INSERT INTO many VALUES (%7d, \x27%s\x27);\n" % (i, word))
' "$inserts_mb"
} >migrations/bbbb00000001_insert.sql
rows=$(grep -c '^INSERT' migrations/bbbb00000001_insert.sql)
measured 0 "$bound_mb" current
measured 0 "$bound_mb" upgrade head
sql_is bank "SELECT count(*) FROM many" "$rows"
measured 0 "$bound_mb" upgrade head --sql
sql bank "DROP TABLE many"
belay 0 stamp base
rm migrations/*

begin "one statement of $statement_mb MB: whole in memory to be sent, but only a few times; skimmed without"
{
    header cccc00000001 "" "Long"
    echo 'CREATE TABLE long (bytes bigint);'
    printf "INSERT INTO long SELECT length('"
    head -c $((statement_mb * 1024 * 1024)) /dev/zero | tr '\0' x
    echo "');"
} >migrations/cccc00000001_long.sql
measured 0 "$bound_mb" history
measured 0 "$bound_mb" current
measured 0 $((4 * statement_mb + bound_mb)) upgrade head
sql_is bank "SELECT bytes FROM long" $((statement_mb * 1024 * 1024))
