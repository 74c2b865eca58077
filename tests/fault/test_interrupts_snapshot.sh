#!/bin/bash
# Ctrl-C and SIGTERM when all rows are read, while the writer still has some of them for a slow disk: it ends with the write that is under way.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
[ -e "${BELAY_TESTS:?}/killer.so" ] || skip "killer.so is not part of this build (sanitizers)"
KILLER=$WORK/killer.so # LD_PRELOAD cannot hold a path with a space
cp "$BELAY_TESTS/killer.so" "$KILLER"
start_cluster
make_empty_project
# Bytes that do not shrink: five chunks, of which four may wait for the disk.
sql bank "CREATE TABLE bytes (v bytea)" "ALTER TABLE bytes ALTER v SET STORAGE PLAIN"
sql bank "INSERT INTO bytes SELECT (SELECT string_agg(sha512(int4send(i * 100 + j)), '') FROM generate_series(1, 60) j) FROM generate_series(1, 10000) i"

sessions() { sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bank' AND query ~ '$1'"; }
is_reading() { [ "$(sessions 'COPY.*bytes')" -gt 0 ]; }
has_read() { [ "$(sessions COPY)" = 0 ]; }
ms() { echo $(($(date +%s%N) / 1000000)); }

for signal in INT TERM; do
    begin "SIG$signal"
    LAST="belay snapshot, on a slow disk"
    KILLER_SLOW_MS=5000 LD_PRELOAD=$KILLER "$BELAY" snapshot -j 1 >"$OUT" 2>"$ERR" </dev/null &
    snapshot=$!
    wait_until is_reading
    wait_until has_read
    began=$(ms)
    kill -s "$signal" "$snapshot"
    status=0
    wait "$snapshot" || status=$?
    took=$(($(ms) - began))
    equals "status" "$status" 1
    err_has "stopped by a signal"
    [ "$took" -lt 8000 ] || fail "it went on for $took ms"
    equals "files" "$(find backups -name '*.tar*')" ""
done
