#!/bin/bash
# The twin and its swap with N clients that reconnect in a loop (default 10): medians of 11 runs of closing the gate and of
# the swap (the goal: at most 100 ms), and of the twin of a database of the demo's size (200,000 rows; no goal).
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
clients=${1:-10}
runs=11
sql postgres "CREATE DATABASE bank"
sql bank "CREATE TABLE entries AS SELECT i AS id, i % 1000 AS account, i * 0.5 AS amount, 'entry number ' || i AS note
    FROM generate_series(1, 200000) i" "CREATE INDEX ON entries (account)"
size=$(sql postgres "SELECT pg_size_pretty(pg_database_size('bank'))")

info="host=$PGHOST user=postgres dbname=bank"
client() {
    while [ ! -e "$WORK/stop" ]; do
        psql -X -d "$info" -c "SELECT count(*) FROM entries WHERE account = 7" -c "SELECT pg_sleep(60)" >/dev/null 2>&1 || sleep 0.5
    done
}
for ((i = 0; i < clients; i++)); do client & done
connected() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bank'")" -ge "$1" ]; }

for ((i = 0; i < runs; i++)); do
    id=$(printf '%06d' "$i")
    wait_until connected "$clients"
    "${BELAY_TESTS:?}/gate_driver" "$info" bank "20251104T123400Z-$id" close "twin:bank__belay_twin_$id" \
        "swap:bank__belay_twin_$id:bank__belay_failed_$id" "drop:bank__belay_failed_$id" >>"$WORK/times" || fail "gate_driver"
done
touch "$WORK/stop"
sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'bank'" >/dev/null
wait

median() {
    sed -n "s/^ok $1[^ ]* //p" "$WORK/times" | sort -n | sed -n "$((runs / 2 + 1))p"
}
echo "swap with $clients clients: median $(median swap) ms (goal 100)"
echo "closing the gate on them: median $(median close) ms"
echo "twin of $size (file copy): median $(median twin) ms"
