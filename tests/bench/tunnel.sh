#!/bin/bash
# COPY through belay's tunnel against the same through `ssh -L`, and without either, in turns on the same server and sshd; prints
# seconds, the CPU time of both tunnels, and the ratio of the rates.
#   ROUNDS=5, ROWS=1500000 (190 bytes each)
source "${BELAY_SOURCE:?}/tests/bench/bench_lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
ROUNDS=${ROUNDS:-5}
ROWS=${ROWS:-1500000}
far_port=$((20000 + RANDOM % 10000))
near_port=$((far_port + 1))
bench_settings+="
listen_addresses = '127.0.0.1'
port = $far_port"
bench_cluster
export PGPORT=$far_port
start_sshd database
sql postgres "CREATE TABLE t AS SELECT g, md5(g::text) AS a, md5((g * 7)::text) AS b, repeat('x', 100) AS c FROM generate_series(1, $ROWS) g" "VACUUM (FREEZE, ANALYZE) t"
describe

ssh -N -o ExitOnForwardFailure=yes -L "$near_port:127.0.0.1:$far_port" database &
ssh_pid=$!
mkfifo "$WORK/hold"
"$BELAY_TESTS/tunnel_driver" database "$HOME/.ssh/id_ed25519" "$HOME/.ssh/known_hosts" 127.0.0.1 "$far_port" <"$WORK/hold" >"$WORK/end" 2>"$ERR" &
belay_pid=$!
exec 8>"$WORK/hold"
wait_until test -s "$WORK/end"
reaches() {
    psql -X -q -c "SELECT 1" "$1 user=postgres dbname=postgres" >/dev/null 2>&1
}
wait_until reaches "host=127.0.0.1 port=$near_port"

# copy NAME CONNINFO
copy() {
    measure "$1" psql -X -q -c "\\copy t to /dev/null" "$2 user=postgres dbname=postgres"
}
cpu_of() {
    awk -v ticks="$(getconf CLK_TCK)" '{ printf "%.2f", ($14 + $15) / ticks }' "/proc/$1/stat"
}
for ((i = 0; i < ROUNDS; i++)); do
    copy direct "host=127.0.0.1 port=$far_port"
    copy "ssh -L" "host=127.0.0.1 port=$near_port"
    copy tunnel "$(cat "$WORK/end")"
done
echo "seconds     direct $(median direct), ssh -L $(median "ssh -L"), belay's tunnel $(median tunnel)"
echo "own CPU     ssh $(cpu_of "$ssh_pid") s, belay's tunnel $(cpu_of "$belay_pid") s, of all $ROUNDS rounds"
row_head
row "COPY through belay's tunnel, rate / ssh -L" "$(ratio "$(median "ssh -L")" "$(median tunnel)")" "" 0.8 least
exec 8>&-
kill "$ssh_pid"
