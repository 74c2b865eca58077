#!/bin/bash
# --rate and the key rate: snapshots still come whole, and who waits for the limit can be stopped.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
PROJECT_KEYS="gate = none" make_empty_project bank
sql bank "CREATE TABLE noise AS SELECT decode(md5(i::text) || md5(i || 'x') || md5(i || 'y'), 'hex') AS v FROM generate_series(1, 20000) i"

begin "taken, verified and proven under a limit"
belay 0 snapshot --rate 4MB/s --json
ID=$(json id)
[ "$(json bytes)" -gt 960000 ] || fail "the rows are smaller than thought"
# About 1 MB is written and read back; at least three fifths of that time must pass. There is no upper bound to tell.
python3 -c 'import json, sys; a = json.load(open(sys.argv[1])); sys.exit(a["seconds"] < a["bytes"] * 2 * 0.6 / 4194304)' "$OUT" || fail "the limit is not kept: $(json seconds) s"
belay 0 verify "$ID" --rate 4MB/s
belay 0 prove "$ID" --rate 8MB
belay 0 restore "$ID" --rate 8MB --yes

begin "the key counts where no option is given, and 0 lifts it"
sed -i '/^gate = none/a rate = 16kB/s' belay.ini
belay 0 targets dev
out_has "16kB/s"
belay 0 snapshots show "$ID"
out_has "as long as the store's limit (rate) makes it"
belay 0 snapshot --rate 0
"$BELAY" snapshot >"$OUT" 2>"$ERR" &
pid=$!
is_there() { ls backups/dev/*.part; }
wait_until is_there

begin "a stop ends the wait, and no file is left"
kill -INT $pid
status=0
wait $pid || status=$?
equals "exit status" "$status" 1
! is_there 2>/dev/null || fail "a stopped snapshot left a file"

begin "a stop while it is read back is not called damage"
"$BELAY" snapshot --rate 1MB/s --progress=json >"$OUT" 2>"$ERR" &
pid=$!
wait_until grep -q '"synced"' "$ERR"
kill -INT $pid
status=0
wait $pid || status=$?
equals "exit status" "$status" 1
err_has "while the snapshot was read back"
err_lacks "is not what was written"
! is_there 2>/dev/null || fail "a stopped snapshot left a file"

begin "a restore that is stopped while it waits still leaves its report"
"$BELAY" restore "$ID" --yes >"$OUT" 2>"$ERR" </dev/null &
pid=$!
# Only once the limit holds it up has it something to wait for: the report itself comes behind the same limit.
is_reading() { grep -q "the restore will take" "$ERR"; }
wait_until is_reading
reports=$(find backups -name report.json | wc -l)
kill -INT $pid
status=0
wait $pid || status=$?
equals "exit status" "$status" 1
err_has "stopped by a signal"
err_lacks "report could not be written"
equals "reports" "$(find backups -name report.json | wc -l)" $((reports + 1))

begin "what is no rate is refused"
for rate in fast -5MB 5MB/h ''; do
    belay 2 snapshot --rate "$rate"
    err_has "--rate takes bytes per second as 500kB/s or 50MB/s"
done
sed -i 's/^rate = .*/rate = fast/' belay.ini
belay 2 snapshot
err_has "rate takes bytes per second"
