#!/bin/bash
# Encrypted snapshots: written for several keys, read back without a private one, restored with one; Debian's age is
# the peer both ways.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=../support/keys_lib.sh
source "$BELAY_SOURCE/tests/support/keys_lib.sh"
start_cluster

begin "keys: new ones are private, printed, and never written over"
belay 0 key new "$KEYS/ops.txt"
OPS=$(cat "$OUT")
equals "mode of an identity file" "$(stat -c %a "$KEYS/ops.txt")" 600
equals "its recipient, by age-keygen" "$(age-keygen -y "$KEYS/ops.txt")" "$OPS"
belay 3 key new "$KEYS/ops.txt"
err_has "is not written over"
belay 0 key show "$KEYS/ops.txt"
out_is "$OPS"
age-keygen -o "$KEYS/peer.txt" 2>/dev/null
belay 0 key show "$KEYS/peer.txt"
PEER=$(cat "$OUT")
equals "the recipient of an identity of age-keygen" "$(age-keygen -y "$KEYS/peer.txt")" "$PEER"
belay 0 key new --json
equals "where it goes by default" "$(json path)" "$HOME/.config/belay/identity.txt"

begin "a snapshot for two keys: written without an identity, decrypted by age with either"
make_project bank
belay 0 upgrade 70c5e94a1bd2
psql -X -q -v entries=3000 -d bank -f "$BELAY_SOURCE/scripts/demo_rows.sql" >/dev/null
use_keys "encrypt_to = $OPS, ../keys/team.txt"
printf '# the team\n%s\n' "$PEER" >"$KEYS/team.txt"
take
json_is state verified
equals "its name" "${SNAPSHOT##*/}" "$ID.tar.age"
err_has "whether it can be restored was not found out"
err_has "identity"
equals "bytes in the answer" "$(json bytes)" "$(stat -c %s "$SNAPSHOT")"
grep -qa "pre-data" "$SNAPSHOT" && fail "$SNAPSHOT has plain text"
equals "files of the store" "$(ls backups/dev)" "$ID.tar.age"
for key in ops peer; do
    rm -rf "$WORK/hand"
    mkdir "$WORK/hand"
    age -d -i "$KEYS/$key.txt" "$SNAPSHOT" | tar -xf - -C "$WORK/hand" || fail "age -d with $key.txt"
done

begin "a file of recipients, and one of a private key, whose paths have a space"
mkdir "$WORK/some keys"
cp "$KEYS/team.txt" "$KEYS/ops.txt" "$WORK/some keys"
use_keys "encrypt_to = $OPS, ../some keys/team.txt" "identity = $WORK/some keys/ops.txt"
belay 0 doctor
out_has "snapshots are encrypted and not signed"
use_keys "encrypt_to = no recipient"
belay 3 doctor
out_has "encrypt_to takes words and paths"

begin "doctor names a key that cannot be read"
use_keys "encrypt_to = $OPS" "identity = $KEYS/gone.txt"
belay 3 doctor
out_has "identity: cannot read $KEYS/gone.txt"
use_keys "encrypt_to = ../keys/gone.txt"
belay 3 doctor
out_has "encrypt_to: there is no file"
out_has "let \`encrypt_to\` name a file"
use_keys "encrypt_to = $OPS, ../keys/team.txt"

begin "restored by hand, with age, tar, zstd and psql"
(cd "$WORK/hand" && sh restore.sh by_hand >"$WORK/hand.log" 2>&1) || fail "restore.sh: $(cat "$WORK/hand.log")"
equals "rows" "$(data_hash by_hand)" "$(data_hash bank)"
sql postgres "DROP DATABASE by_hand"

begin "without an identity: listed by name and size, and every reader says which key to set"
belay 0 snapshots --json
json_is snapshots.0.state encrypted
json_is snapshots.0.id "$ID"
json_is snapshots.0.bytes "$(stat -c %s "$SNAPSHOT")"
json_is snapshots.0.revisions null
json_is snapshots.0.rows null
belay 0 snapshots
out_has "encrypted"
for verb in "snapshots show $ID" "verify $ID" "restore $ID --yes" "prove" "prove $ID" "export $ID" "restore --revision 70c5e94a1bd2 --yes" "rehearse"; do
    # shellcheck disable=SC2086
    belay 3 $verb
    err_has "identity"
    err_has "BELAY_IDENTITY"
done

begin "with one: shown, verified, proven, rehearsed, restored"
export BELAY_IDENTITY=$KEYS/peer.txt
belay 0 snapshots show "$ID" --json
json_is state verified
json_is revisions '["70c5e94a1bd2"]'
belay 0 verify "$ID"
belay 0 prove "$ID"
belay 0 snapshots --json
json_is snapshots.0.state proven
before=$(data_hash bank)
sql bank "TRUNCATE bank_statement_entries CASCADE"
belay 0 restore --revision 70c5e94a1bd2 --yes
equals "rows after the restore" "$(data_hash bank)" "$before"
belay 0 rehearse
unset BELAY_IDENTITY
use_keys "encrypt_to = $OPS" "identity = $KEYS/ops.txt"
belay 0 restore "$ID" --yes
equals "rows after the second restore" "$(data_hash bank)" "$before"

begin "the other way round: what age encrypted, belay reads"
use_keys "identity = $KEYS/ops.txt"
take
equals "the name of a plain one" "${SNAPSHOT##*/}" "$ID.tar"
age -r "$PEER" -r "$OPS" -o "$SNAPSHOT.age" "$SNAPSHOT"
rm "$SNAPSHOT"
belay 0 verify "$ID"
belay 0 restore "$ID" --yes
equals "rows" "$(data_hash bank)" "$before"

begin "keys of another kind are refused by their name"
mv "backups/dev/$ID.tar.age" "$WORK/plain.age"
age -d -i "$KEYS/peer.txt" "$WORK/plain.age" >"$WORK/plain.tar"
ssh-keygen -q -t ed25519 -N "" -f "$WORK/ssh"
age -R "$WORK/ssh.pub" -o "backups/dev/$ID.tar.age" "$WORK/plain.tar"
belay 3 verify "$ID"
err_has "keys of a kind that belay does not read: ssh-ed25519"
age -a -r "$OPS" -o "backups/dev/$ID.tar.age" "$WORK/plain.tar"
belay 3 verify "$ID"
err_has "age -a"
age -r "$(age-keygen 2>/dev/null | age-keygen -y)" -o "backups/dev/$ID.tar.age" "$WORK/plain.tar"
belay 3 verify "$ID"
err_has "it is encrypted to 1 other key than the identity here"
use_keys "encrypt_to = $(cut -d' ' -f1 "$WORK/ssh.pub")"
belay 3 snapshot
err_has "target dev, encrypt_to: it is an SSH key"
use_keys "encrypt_to = ${OPS%?}q"
belay 3 snapshot
err_has "it is not a whole key of age"
equals "parts left" "$(find backups -name '*.part')" ""

begin "a deploy must be able to read its own snapshot, or have a twin"
add_migration 5a17ed0000aa 70c5e94a1bd2 "Fails late" "Transaction: no" >/dev/null <<'SQL'
CREATE TABLE half_done (id int);
SELECT 1 / 0;
-- belay: downgrade
SQL
use_keys "encrypt_to = $OPS" "way_back = verified"
belay 3 deploy --to 5a17ed0000aa
err_has "the target names no identity"
belay 3 preflight --json
python3 - "$OUT" <<'PYTHON' || fail "no refusal of keys"
import json, sys
sys.exit(not [c for c in json.load(open(sys.argv[1]))["checks"] if c["name"] == "keys" and c["verdict"] == "refuse"])
PYTHON
use_keys "encrypt_to = $PEER" "way_back = verified" "identity = $KEYS/ops.txt"
belay 3 deploy --to 5a17ed0000aa
err_has "encrypted to others than"
PROJECT_KEYS="way_back = twin, verified
gate = rename
encrypt_to = $OPS"
write_project bank development
belay 0 preflight --to 5a17ed0000aa --json
grep -q "names no identity" "$OUT" || fail "no warning beside a twin"
before=$(data_hash bank)
PROJECT_KEYS="way_back = verified
gate = rename
encrypt_to = $OPS
identity = $KEYS/ops.txt"
write_project bank development
belay 4 deploy --to 5a17ed0000aa --json
json_is outcome restored
equals "rows after the deploy went back" "$(data_hash bank)" "$before"
sql_is bank "SELECT to_regclass('half_done') IS NULL" t
rm migrations/*5a17ed0000aa*

begin "a private key where others get at it is refused"
mv "$WORK/plain.age" "backups/dev/$ID.tar.age"
cp "$KEYS/ops.txt" backups/key.txt
use_keys "identity = backups/key.txt"
belay 3 verify "$ID"
err_has "lies in the store"
rm backups/key.txt
chmod 640 "$KEYS/ops.txt"
use_keys "identity = $KEYS/ops.txt"
belay 3 verify "$ID"
err_has "others can read this private key (mode 640)"
chmod 600 "$KEYS/ops.txt"
git -C "$KEYS" init -q
git -C "$KEYS" add ops.txt
belay 3 verify "$ID"
err_has "git tracks this private key"
rm -rf "$KEYS/.git"

begin "damage is found: cut off, flipped, or with a piece left out"
damaged() { # WHAT
    belay 7 verify "$ID"
    err_has "$1"
    belay 0 snapshots --json
}
cp "backups/dev/$ID.tar.age" "$WORK/whole"
size=$(stat -c %s "$WORK/whole")
for cut in 1 16 17 65552 $((size - 300)); do
    head -c $((size - cut)) "$WORK/whole" >"backups/dev/$ID.tar.age"
    damaged ""
done
cp "$WORK/whole" "backups/dev/$ID.tar.age"
printf 'X' | dd of="backups/dev/$ID.tar.age" bs=1 seek=70000 conv=notrunc status=none
damaged "encrypted piece"
cp "$WORK/whole" "backups/dev/$ID.tar.age"
belay 0 verify "$ID"
