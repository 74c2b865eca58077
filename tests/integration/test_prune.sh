#!/bin/bash
# `belay prune`: what stays (the newest, the newest proven, what an unfinished run needs, what is not belay's) and what goes.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project
store=$WORK/project/backups
make_snapshot() { "${BELAY_TESTS:?}/archive_driver" "$store" dev "$1" || fail "archive_driver $*"; }
for day in 1 2 3 4 5 6 7 8; do make_snapshot "2025110${day}T120000Z-aaaaa$day"; done
left() { find "$store" -type f -printf '%P\n' | sort | paste -sd' '; }

begin "without a yes nothing is removed"
before=$(left)
belay 3 prune
err_has "nobody agreed"
belay 0 prune --dry-run
out_has 20251103T120000Z-aaaaa3.tar
out_lacks 20251104T120000Z-aaaaa4.tar
out_has "20251104T120000Z-aaaaa4   stays keep_last"
out_has "20251103T120000Z-aaaaa3   goes"
out_has "3 to remove; 5 snapshots stay"
belay 2 prune --keep 0
equals "files" "$(left)" "$before"

belay 2 prune --databases --days -1
equals "files" "$(left)" "$before"

begin "the newest five stay"
belay 0 prune --yes --json
json_is kept 5
json_is items.length 3
json_is items.0.removed true
equals "files" "$(left)" "$(for day in 4 5 6 7 8; do echo "dev/2025110${day}T120000Z-aaaaa$day.tar"; done | paste -sd' ')"

begin "the newest proven one stays, and what an unfinished run names"
echo '{"proven_at": "2025-11-05T12:00:00Z", "seconds": 1}' >"$store/dev/20251105T120000Z-aaaaa5.proof.json"
echo '{"proven_at": "2025-11-04T12:00:00Z", "seconds": 1}' >"$store/dev/20251104T120000Z-aaaaa4.proof.json"
run=$store/dev/runs/20251109T120000Z-bbbbbb
mkdir -p "$run"
cat >"$run/journal.ndjson" <<'JSON'
{"seq": 1, "at": "2025-11-09T12:00:00Z", "kind": "begin", "act": "run", "verb": "deploy"}
{"seq": 2, "at": "2025-11-09T12:00:01Z", "kind": "intent", "act": "snapshot", "id": "20251106T120000Z-aaaaa6"}
{"seq": 3, "at": "2025-
JSON
belay 0 prune --yes --keep 1
equals "files" "$(left)" "dev/20251105T120000Z-aaaaa5.proof.json dev/20251105T120000Z-aaaaa5.tar\
 dev/20251106T120000Z-aaaaa6.tar dev/20251108T120000Z-aaaaa8.tar dev/runs/20251109T120000Z-bbbbbb/journal.ndjson"

begin "once the run has ended, its snapshot goes too; foreign and damaged files never do"
echo '{"seq": 4, "at": "2025-11-09T12:01:00Z", "kind": "end", "act": "run", "outcome": "untouched"}' >>"$run/journal.ndjson"
echo mine >"$store/dev/notes.txt"
cp "$store/dev/20251106T120000Z-aaaaa6.tar" "$store/dev/before-the-party.tar"
head -c 1024 "$store/dev/20251106T120000Z-aaaaa6.tar" >"$store/dev/20251101T120000Z-cccccc.tar"
belay 0 prune --yes --keep 1
err_has "20251101T120000Z-cccccc.tar cannot be read"
equals "files" "$(left)" "dev/20251101T120000Z-cccccc.tar dev/20251105T120000Z-aaaaa5.proof.json\
 dev/20251105T120000Z-aaaaa5.tar dev/20251108T120000Z-aaaaa8.tar dev/before-the-party.tar dev/notes.txt\
 dev/runs/20251109T120000Z-bbbbbb/journal.ndjson"
cp "$store/dev/before-the-party.tar" "$store/dev/torn
name.tar"
belay 0 prune --dry-run
out_has 'torn\nname'
belay 0 snapshots
out_has 'torn\nname'
rm "$store/dev/torn
name.tar"

begin "what a run kept of the application's logs goes with its age, and of an unfinished run not at all"
old=$store/dev/runs/20251109T120000Z-bbbbbb young=$store/dev/runs/$(date -u -d '6 days ago' +%Y%m%dT%H%M%SZ)-cccccc
for of in "$old" "$young"; do
    mkdir -p "$of/logs"
    echo "it is well" >"$of/logs/1-app1-bank.log"
done
cp "$old/journal.ndjson" "$young/"
head -n 2 "$old/journal.ndjson" >"$WORK/unfinished"
cp "$old/journal.ndjson" "$WORK/ended"
cp "$WORK/unfinished" "$old/journal.ndjson"
belay 0 prune --yes --keep 1
[ -e "$old/logs/1-app1-bank.log" ] || fail "the log of an unfinished run is gone"
cp "$WORK/ended" "$old/journal.ndjson"
belay 0 prune --yes --keep 1 --json
json_is items.0.kind log
json_is items.length 1
[ ! -e "$old/logs/1-app1-bank.log" ] && [ -e "$old/journal.ndjson" ] || fail "the log stays, or the journal went"
[ -e "$young/logs/1-app1-bank.log" ] || fail "the log of a run of 6 days is gone"
rm -r "$young"

begin "proof and signature go with their snapshot; without one they go alone, unless they are new"
make_snapshot 20251102T120000Z-abcdef
for name in 20251102T120000Z-abcdef 20251103T120000Z-123456 20251104T120000Z-654321; do
    echo '{}' >"$store/dev/$name.proof.json"
    echo sig >"$store/dev/$name.tar.minisig"
done
touch -d '1 hour ago' "$store"/dev/20251103T120000Z-123456.*
belay 0 prune --yes --keep 1
out_has "there is no snapshot that it belongs to"
equals "files" "$(cd "$store/dev" && printf '%s ' *.minisig 2025110[234]*)" "20251104T120000Z-654321.tar.minisig 20251104T120000Z-654321.proof.json 20251104T120000Z-654321.tar.minisig "
rm "$store"/dev/20251104T120000Z-654321.*

begin "unfinished files go when nobody writes to them"
echo x >"$store/dev/20251109T120000Z-dddddd.tar.part"
echo x >"$store/dev/20251110T120000Z-dddddd.tar.part"
echo x >"$store/dev/other.tar.part"
echo x >"$store/dev/lint.json"
echo x >"$store/dev/lint.json.part"
touch -d '1 hour ago' "$store/dev/20251109T120000Z-dddddd.tar.part" "$store/dev/other.tar.part" "$store/dev/lint.json" "$store/dev/lint.json.part"
belay 0 prune --yes
[ ! -e "$store/dev/20251109T120000Z-dddddd.tar.part" ] || fail "the old .part stayed"
[ -e "$store/dev/20251110T120000Z-dddddd.tar.part" ] || fail "a .part in use went"
[ -e "$store/dev/other.tar.part" ] || fail "a foreign .part went"
[ ! -e "$store/dev/lint.json.part" ] || fail "what the lint began to write stayed"
[ -e "$store/dev/lint.json" ] || fail "what the lint remembers went"

begin "kept failed databases go on request, when they are old enough"
run_id() { date -u -d "$1" "+%Y%m%dT%H%M%SZ-$2"; }
old=$(run_id '10 days ago' 0ddddd)
young=$(run_id '1 day ago' 11ffff)
for id in "$old" "$young"; do
    mkdir -p "$store/dev/runs/$id"
    printf '{"seq": 1, "kind": "begin", "act": "run"}\n{"seq": 2, "kind": "end", "act": "run", "outcome": "restored"}\n' >"$store/dev/runs/$id/journal.ndjson"
    sql postgres "CREATE DATABASE bank__belay_failed_${id#*-}"
done
sql postgres "CREATE DATABASE bank__belay_failed_999999"
belay 0 prune --yes
equals "databases" "$(databases | paste -sd' ')" "bank bank__belay_failed_0ddddd bank__belay_failed_11ffff bank__belay_failed_999999"
belay 0 prune --yes --databases
err_has "bank__belay_failed_999999: its run is not known"
err_has "1 database is not old enough (keep_databases_for, --days)"
equals "databases" "$(databases | paste -sd' ')" "bank bank__belay_failed_11ffff bank__belay_failed_999999"
# Its owner, no superuser, is told how large a closed one is.
sql postgres "CREATE ROLE owner LOGIN" "ALTER DATABASE bank__belay_failed_11ffff OWNER TO owner" "ALTER DATABASE bank__belay_failed_11ffff ALLOW_CONNECTIONS false"
sed 's/^user = .*/user = owner/' belay.ini >owner.ini
belay 0 prune -c owner.ini --dry-run --databases --days 1
grep -qE '^database +bank__belay_failed_11ffff +[0-9.]+ MB ' "$OUT" || fail "no size"
sql postgres "REVOKE CONNECT ON DATABASE bank__belay_failed_11ffff FROM PUBLIC, owner"
belay 0 prune -c owner.ini --dry-run --databases --days 1
grep -qE '^database +bank__belay_failed_11ffff +\? ' "$OUT" || fail "a size that nobody knows"
belay 0 prune --yes --databases --days 1
equals "databases" "$(databases | paste -sd' ')" "bank bank__belay_failed_999999"

begin "while a run holds the lock nothing is removed"
make_snapshot 20251101T120000Z-eeeeee
make_snapshot 20251102T120000Z-eeeeee
before=$(left)
mkfifo "$WORK/go"
"$BELAY_TESTS/gate_driver" "host=$PGHOST user=postgres" bank 20251109T120000Z-ffffff wait <"$WORK/go" >"$WORK/holder" 2>&1 &
exec 9>"$WORK/go"
locked() { [ "$(sql postgres "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")" -gt 0 ]; }
wait_until locked
belay 6 prune --yes --keep 1
equals "files" "$(left)" "$before"
echo >&9
exec 9>&-

begin "with the target's database gone nothing of it is dropped"
mkdir -p "$store/dev/runs/$old"
for kind in failed twin; do sql postgres "CREATE DATABASE bank__belay_${kind}_0ddddd"; done
sql postgres "ALTER DATABASE bank RENAME TO elsewhere"
belay 3 prune --yes --databases
err_has 'database "bank" does not exist, so bank__belay_failed_0ddddd, bank__belay_failed_999999, bank__belay_twin_0ddddd may be the only copies'
belay 3 prune --dry-run --databases
equals "databases" "$(databases | paste -sd' ')" "bank__belay_failed_0ddddd bank__belay_failed_999999 bank__belay_twin_0ddddd elsewhere"
sql postgres "ALTER DATABASE elsewhere RENAME TO bank" "ALTER DATABASE bank__belay_twin_0ddddd IS_TEMPLATE true"
belay 0 prune --yes --databases
out_has "copy of before of run $old"
equals "databases" "$(databases | paste -sd' ')" "bank bank__belay_failed_999999"

begin "the target's keys decide: days, weeks, months and a time, whatever keeps one"
rm -rf "$store"
for day in 20250115T12 20250131T12 20250214T12 20250301T08 20250301T12 20250302T12 20250303T12; do make_snapshot "${day}0000Z-aaaaaa"; done
stays() { python3 -c 'import json, sys; print(" ".join(s["id"][4:11] for s in json.load(open(sys.argv[1]))["snapshots"] if s["stays"]))' "$OUT"; }
sed -i 's/^store = local/&\nkeep_last = 1\nkeep_daily = 3/' belay.ini
belay 0 prune --dry-run --json
equals "daily" "$(stays)" "0303T12 0302T12 0301T12"
json_is snapshots.1.rules '["keep_daily 2025-03-02"]'
sed -i 's/^keep_daily.*/keep_weekly = 2\nkeep_monthly = 2/' belay.ini
belay 0 prune --dry-run --json
equals "weekly and monthly" "$(stays)" "0303T12 0302T12 0214T12"
sed -i 's/^keep_weekly.*/keep_for = 2d/' belay.ini
belay 0 prune --yes
equals "files" "$(left)" "dev/20250214T120000Z-aaaaaa.tar dev/20250301T120000Z-aaaaaa.tar dev/20250302T120000Z-aaaaaa.tar dev/20250303T120000Z-aaaaaa.tar"
sed -i 's/^keep_last.*/keep_last = 0/' belay.ini
belay 2 prune
err_has "keep_last takes a whole number from 1"
