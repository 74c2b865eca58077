#!/bin/bash
# 500 small revisions by belay against `psql -f` of the same 500 transactions; prints both times and their ratio (the
# goal: at most 1.5).
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project bank
sql postgres "CREATE DATABASE plain"
export POSTGRES_HOST=$PGHOST POSTGRES_USER=postgres POSTGRES_DB=bank
count=${1:-500}

last=
for ((i = 1; i <= count; i++)); do
    id=$(printf 'r%04d' "$i")
    add_migration "$id" "$last" "Table $i" >/dev/null <<SQL
CREATE TABLE t$i (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO t$i VALUES ($i, 'row $i');
SQL
    last=$id
done
"$BELAY" upgrade head --sql >"$WORK/all.sql"

milliseconds() {
    local start=${EPOCHREALTIME/./}
    "$@" >"$OUT" 2>"$ERR" </dev/null || fail "$*"
    echo $(((${EPOCHREALTIME/./} - start) / 1000))
}
psql_ms=$(milliseconds psql -X -q -v ON_ERROR_STOP=1 -d plain -f "$WORK/all.sql")
belay_ms=$(milliseconds "$BELAY" upgrade head)
sql_is bank "SELECT count(*) FROM belay.ledger" "$count"
awk -v b="$belay_ms" -v p="$psql_ms" -v n="$count" \
    'BEGIN { printf "%d revisions: belay %d ms, psql -f %d ms, ratio %.2f (goal: 1.5)\n", n, b, p, b / p }'
