#!/bin/bash
# `belay snapshots` and `belay verify ID` over files that the archive writer made: no server is needed. What tar and zstd
# make of a snapshot, which damage is named, and that a store of a thousand snapshots is listed.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
export PGHOST=$WORK
write_project bank development
store=$WORK/project/backups
make_snapshot() { "${BELAY_TESTS:?}/archive_driver" "$store" "$@" || fail "archive_driver $*"; }

begin "an empty store has no snapshots"
belay 0 snapshots
out_is ""
err_has "no snapshot"
belay 0 snapshots --json
json_is snapshots.length 0

begin "snapshots are listed, newest first, of the target alone or of all"
make_snapshot dev 20251104T123400Z-aaaaaa 3 16
make_snapshot dev 20251105T123400Z-bbbbbb 1 1 b65f0c38d7e1
make_snapshot other 20251106T123400Z-cccccc
belay 0 snapshots
equals "lines" "$(wc -l <"$OUT")" 3
equals "first" "$(sed -n 2p "$OUT" | cut -d' ' -f1)" 20251105T123400Z-bbbbbb
out_lacks cccccc
belay 0 snapshots list --all
out_has 20251106T123400Z-cccccc
belay 0 snapshots --json
json_is snapshots.0.id 20251105T123400Z-bbbbbb
json_is snapshots.0.revisions '["b65f0c38d7e1"]'
json_is snapshots.1.state verified
json_is snapshots.1.tables 1
json_is snapshots.1.bytes "$(stat -c %s "$store/dev/20251104T123400Z-aaaaaa.tar")"

begin "one is shown by a unique prefix"
belay 0 snapshots show 20251104
out_has public.entries
out_has "$store/dev/20251104T123400Z-aaaaaa.tar"
belay 0 snapshots show 20251104 --json
json_is table_list.0.name entries
belay 2 snapshots show 2025110
err_has "several snapshots begin with"
belay 1 snapshots show nothing
err_has "there is no snapshot"
belay 2 snapshots show
belay 2 snapshots delete

begin "how long a restore will take: by its own proof, by another's, or guessed"
belay 0 snapshots show 20251104 --json
json_is restore_seconds_by snapshot
json_is proof_seconds null
raw() { belay 0 snapshots show "$1" --json; json raw_bytes; }
echo '{"proven_at": "2025-11-05T12:00:00Z", "seconds": 600}' >"$store/dev/20251105T123400Z-bbbbbb.proof.json"
belay 0 snapshots show 20251105
out_has "restore    about 10 min, the time that its proof took"
out_has "state      proven on 2025-11-05T12:00:00Z, in 600.0 s"
belay 0 snapshots show 20251104 --json
json_is restore_seconds_by other_proofs
got=$(json restore_seconds)
python3 -c 'import sys; a, b, got = map(float, sys.argv[1:]); sys.exit(abs(got - 600 * a / b) > 1)' "$(raw 20251104)" "$(raw 20251105)" "$got" ||
    fail "$got s is not the rate of the proof"
rm "$store/dev/20251105T123400Z-bbbbbb.proof.json"

begin "verify reads it whole"
belay 0 verify 20251104
out_has "is whole"
belay 0 verify 20251104 --json
json_is verdict ok

begin "tar and zstd read it without belay"
file=$store/dev/20251104T123400Z-aaaaaa.tar
mkdir "$WORK/by_hand"
tar tf "$file" >"$WORK/names" || fail "tar tf"
equals "members" "$(paste -sd' ' "$WORK/names")" "README.txt data/public.entries/0.copy.zst\
 data/public.entries/1.copy.zst data/public.entries/2.copy.zst manifest.json locator"
tar xf "$file" -C "$WORK/by_hand" 2>"$WORK/tar_said" || fail "tar xf"
equals "what tar says" "$(cat "$WORK/tar_said")" ""
python3 - "$WORK/by_hand/manifest.json" >"$WORK/rows" <<'PYTHON'
import json, sys
print(json.load(open(sys.argv[1]))["rows"])
PYTHON
cat "$WORK"/by_hand/data/public.entries/*.zst | zstd -dcq >"$WORK/all_rows" || fail "zstd -d"
equals "rows by hand" "$(wc -l <"$WORK/all_rows")" "$(cat "$WORK/rows")"

begin "damage is named, with exit status 1"
damage() { # BYTE FILE: changes a byte
    python3 - "$1" "$2" <<'PYTHON'
import sys
at = int(sys.argv[1])
with open(sys.argv[2], "r+b") as f:
    f.seek(at)
    byte = f.read(1)
    f.seek(at)
    f.write(bytes([byte[0] ^ 4]))
PYTHON
}
chunk=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["members"][2]["data_offset"])' "$WORK/by_hand/manifest.json")
damage $((chunk + 40)) "$file"
belay 7 verify 20251104
err_has "data/public.entries/1.copy.zst"
err_has damaged
belay 7 verify 20251104 --json
json_is verdict refuse
json_is error.code archive
belay 0 snapshots # the list does not read the data

begin "a cut file is shown as damaged"
truncate -s -512 "$file"
belay 0 snapshots --json
json_is snapshots.1.state damaged
json_is snapshots.1.revisions null
json_is snapshots.1.rows null
belay 7 verify 20251104

begin "foreign files in the store are left alone and not shown"
echo notes >"$store/dev/notes.txt"
echo "not a tar" >"$store/dev/mine.tar"
belay 0 snapshots
out_lacks notes
out_has mine

begin "a thousand snapshots are listed"
for ((i = 1000; i < 2000; i++)); do cp "$store/dev/20251105T123400Z-bbbbbb.tar" "$store/dev/20240101T00${i}Z-bbbbbb.tar"; done
belay 0 snapshots
equals "lines" "$(wc -l <"$OUT")" 1004
