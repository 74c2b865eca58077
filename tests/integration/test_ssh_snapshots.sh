#!/bin/bash
# Snapshots and journals on another host: made, listed, verified, restored and pruned there, over a line that is cut; and a run whose
# machine died is recovered from another one.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
start_cluster
start_sshd far
start_sshd plain --sftp "$SFTP_PLAIN"
start_link line 127.0.0.1 "${SSH_PORT[far]}" --delay-ms 2
ssh_alias byline far "Port ${LINK_PORT[line]}" "HostKeyAlias [127.0.0.1]:${SSH_PORT[far]}"
far=$WORK/far
state=$HOME/.local/state/belay/dev/runs
bank_project
keys "gate = rename
way_back = verified"
use_store() { sed -i -E "s#^(path|url) = .*#url = sftp://$1#" belay.ini; }
use_store "byline$far"
on_disk() { find "$far" -type f ! -name lint.json -printf '%P\n' | sort | paste -sd' '; }

begin "targets and doctor know it"
belay 0 targets dev
out_has "sftp://byline$far"
belay 0 doctor
out_has "sftp://byline$far is writable"
equals "files" "$(on_disk)" ""

begin "a snapshot streams there while it is made"
sql bank "CREATE TABLE noise AS SELECT decode(string_agg(md5(i || 'x' || j), ''), 'hex') AS v FROM generate_series(1, 3000) i, generate_series(1, 160) j GROUP BY i"
belay 0 snapshot --json
ID=$(json id)
size=$(stat -c %s "$far/dev/$ID.tar")
[ "$size" -gt 6000000 ] || fail "the snapshot is smaller than thought: $size"
equals "files" "$(on_disk)" "dev/$ID.tar"
equals "mode" "$(stat -c %a "$far/dev/$ID.tar")" 600
[ ! -e backups ] || fail "a local store was made"

begin "listed, shown, verified, proven, restored with several jobs"
belay 0 snapshots --json
json_is snapshots.length 1
belay 0 snapshots show "$ID"
out_has "sftp://byline$far/dev/$ID.tar"
belay 0 verify "$ID"
belay 0 prove "$ID" --jobs 4
hashes=$(row_hashes bank)
belay 0 restore "$ID" --yes --jobs 4
equals "rows" "$(row_hashes bank)" "$hashes"
belay 0 snapshots --json
json_is snapshots.0.state proven

begin "fetched with sftp, and restored by hand as the README inside says"
mkdir "$WORK/by hand"
echo "get $far/dev/$ID.tar \"$WORK/by hand/\"" | sftp -q -b - far >"$OUT" 2>"$ERR" || fail "sftp"
(
    cd "$WORK/by hand" && tar -xf "$ID.tar" && grep -q "sh restore.sh NEW_DATABASE" README.txt && sh restore.sh by_hand
) >"$OUT" 2>"$ERR" || fail "restore.sh"
equals "rows" "$(row_hashes by_hand)" "$hashes"
sql postgres "DROP DATABASE by_hand"

begin "the line is cut in the middle of an upload, of reading back, and of a restore"
link line "cut-after up:$((size / 2))"
belay 0 snapshot --json
cut=$(json id)
link line "cut-after down:$((size / 2))"
belay 0 verify "$cut"
link line "cut-after down:$((size / 3))"
belay 0 restore "$cut" --yes --jobs 3
equals "rows" "$(row_hashes bank)" "$hashes"
grep -c '^cut' "$WORK/link-line/said" >/dev/null || fail "nothing was cut"

begin "prune"
belay 0 prune --keep 1 --yes
belay 0 snapshots --json
json_is snapshots.length 2 # the newest, and the newest proven one
belay 0 verify "$cut"

begin "a stop leaves nothing unfinished there"
belay 0 prune --keep 1 --yes --databases --days 0
"$BELAY" snapshot --rate 500kB/s >"$OUT" 2>"$ERR" </dev/null &
pid=$!
is_there() { ls "$far"/dev/*.part; }
wait_until is_there
kill -INT $pid
status=0
wait $pid || status=$?
equals "exit status" "$status" 1
! is_there 2>/dev/null || fail "a stopped snapshot left a file"

begin "what a killed one leaves is swept, once its time is over"
"$BELAY" snapshot --rate 500kB/s >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until is_there
kill -KILL $pid
wait $pid 2>/dev/null || true
wait_until no_sessions
belay 0 snapshot
[ "$(is_there | wc -l)" = 1 ] || fail "what may still be written to was removed"
touch -d "20 minutes ago" "$far"/dev/*.part
belay 0 snapshot
err_has "which a snapshot that was killed left behind"
! is_there 2>/dev/null || fail "the .part is left"

begin "a deploy: its journal and report are there, and no copy is left here"
sql bank "DROP TABLE noise"
belay 0 prune --yes --databases --days 0
sql postgres "DROP DATABASE bank_before"
sql postgres "CREATE DATABASE bank_before TEMPLATE bank"
pending_good
run_json 0 deploy --json
run=$(json run)
tail -n 1 "$far/dev/runs/$run/journal.ndjson" | grep -q '"kind":"end"' || fail "the journal has no end"
[ -s "$far/dev/runs/$run/report.json" ] || fail "there is no report"
[ -d "$HOME/.local/state/belay" ] || fail "no copy of the journal was ever made"
[ ! -e "$state/$run" ] || fail "the copy is left"
belay 0 runs
out_has "$run"

begin "a machine dies in the middle of a run, and another one recovers it"
fresh
pending_sleep
start_deploy deploy
sleeping
kill -KILL "$run_pid"
wait "$run_pid" 2>/dev/null || true
run=$(find "$far/dev/runs" -maxdepth 1 -mindepth 1 -type d -printf '%f\n' | sort | tail -n 1)
cmp -s "$state/$run/journal.ndjson" "$far/dev/runs/$run/journal.ndjson" || fail "the copy and the journal differ"
belay 5 deploy
err_has "is unfinished"
export XDG_STATE_HOME=$WORK/other
run_json 0 recover --json
json_is outcome untouched
json_is run "$run"
[ ! -e "$WORK/other/belay/dev/runs/$run" ] || fail "the copy on the other machine is left"
unset XDG_STATE_HOME
[ -e "$state/$run/journal.ndjson" ] || fail "the first machine's copy went too soon"
same_as_before
find migrations -name '*bbbb00000002*' -delete
belay 0 deploy
[ ! -e "$state/$run" ] || fail "the copy of a run that has ended stays"

begin "what the store lacks of a journal is brought to it by the machine that has it"
fresh
rm -rf "${far:?}/dev"
pending_sleep
start_deploy deploy
sleeping
kill -KILL "$run_pid"
wait "$run_pid" 2>/dev/null || true
run=$(find "$far/dev/runs" -maxdepth 1 -mindepth 1 -type d -printf '%f\n')
cp "$state/$run/journal.ndjson" "$WORK/whole"
head -c -30 "$WORK/whole" >"$far/dev/runs/$run/journal.ndjson"
belay 3 doctor # without the lock, as beside a run that is at work: it only looks
out_has "is unfinished"
equals "bytes in the store" "$(stat -c %s "$far/dev/runs/$run/journal.ndjson")" "$(($(stat -c %s "$WORK/whole") - 30))"
belay 5 deploy
cmp -s "$WORK/whole" "$far/dev/runs/$run/journal.ndjson" || fail "the store still lacks it"

begin "a journal that was continued elsewhere is the truth"
head -n 2 "$WORK/whole" >"$far/dev/runs/$run/journal.ndjson"
echo '{"seq": 3, "at": "2026-01-01T00:00:00Z", "kind": "note", "act": "elsewhere"}' >>"$far/dev/runs/$run/journal.ndjson"
cp "$far/dev/runs/$run/journal.ndjson" "$WORK/elsewhere"
belay 5 deploy
cmp -s "$WORK/elsewhere" "$far/dev/runs/$run/journal.ndjson" || fail "it was overwritten"
cp "$WORK/whole" "$far/dev/runs/$run/journal.ndjson"
run_json 0 recover --json
json_is outcome untouched
same_as_before

begin "a server that has nothing but version 3 of SFTP"
use_store "plain$WORK/plain"
find migrations -name '*bbbb00000002*' -delete
belay 0 doctor
out_has "no fsync@openssh.com"
pending_half
run_json 4 deploy --json
json_is outcome restored
same_as_before
belay 0 snapshots --json
belay 0 verify "$(json snapshots.0.id)"
belay 0 prune --keep 1 --yes
equals "unfinished files" "$(find "$WORK/plain" -name '*.part')" ""

begin "a store that cannot be reached is an error that says so, before anything is changed"
stop_sshd far
use_store "far$far"
belay 1 deploy
err_has "cannot connect to"
belay 1 upgrade head
err_has "nothing was changed"
same_as_before

nothing_left "$far" "$WORK/plain"
