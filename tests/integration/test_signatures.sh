#!/bin/bash
# Signed snapshots: minisign checks what belay signed and the other way round; what is not signed as the target wants is
# refused before anything is made.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=../support/keys_lib.sh
source "$BELAY_SOURCE/tests/support/keys_lib.sh"
start_cluster
# nothing_made: no database beside the target's.
nothing_made() {
    equals "databases" "$(databases)" bank
}
# refused TEXT: every verb that would use the snapshot says so, and makes nothing.
refused() {
    local verb
    for verb in "restore $ID --yes" "restore --revision 70c5e94a1bd2 --yes" "prove $ID" "export $ID" "rehearse"; do
        # shellcheck disable=SC2086
        belay 3 $verb
        err_has "$1"
        nothing_made
    done
    belay 7 verify "$ID"
    err_has "$1"
    belay 0 snapshots
    out_has "$ID"
}

begin "keys: as minisign makes them, and never written over"
belay 0 key new --sign "$KEYS/ci.key"
CI=$(cat "$OUT")
equals "mode of the private key" "$(stat -c %a "$KEYS/ci.key")" 600
equals "the public file" "$(sed -n 2p "$KEYS/ci.pub")" "$CI"
belay 3 key new --sign "$KEYS/ci.key"
err_has "is not written over"
belay 0 key show "$KEYS/ci.key"
out_is "$CI"
minisign -R -s "$KEYS/ci.key" -p "$KEYS/again.pub" -W >/dev/null 2>&1 || minisign -R -s "$KEYS/ci.key" -p "$KEYS/again.pub" >/dev/null </dev/null
equals "the public key, by minisign" "$(sed -n 2p "$KEYS/again.pub")" "$CI"
minisign -G -W -f -p "$KEYS/peer.pub" -s "$KEYS/peer.key" >/dev/null
chmod 600 "$KEYS/peer.key"
PEER=$(sed -n 2p "$KEYS/peer.pub")
belay 0 key show "$KEYS/peer.key"
out_is "$PEER"
belay 0 key show "$KEYS/peer.pub"
out_is "$PEER"
err_has "peer.pub holds a public key only"

begin "minisign checks what belay signed, with a key of either; encrypted or not"
make_project bank
belay 0 upgrade 70c5e94a1bd2
belay 0 key new "$KEYS/ops.txt"
OPS=$(cat "$OUT")
for key in ci peer; do
    for encrypt in "" "encrypt_to = $OPS"; do
        use_keys "sign_with = $KEYS/$key.key" "$encrypt" "identity = $KEYS/ops.txt" "require_signature = $KEYS/$key.pub"
        take
        minisign -V -H -q -p "$KEYS/$key.pub" -m "$SNAPSHOT" || fail "minisign refuses $SNAPSHOT.minisig"
        equals "its trusted comment" "$(minisign -V -Q -p "$KEYS/$key.pub" -m "$SNAPSHOT" | grep -o 'file:[^	]*')" "file:${SNAPSHOT##*/}"
        belay 0 verify "$ID"
    done
done
belay 0 restore "$ID" --yes
belay 0 prove "$ID"
belay 0 rehearse

begin "belay checks what minisign signed"
sql postgres "SELECT format('DROP DATABASE %I', datname) FROM pg_database WHERE datname LIKE '%belay_failed%'" | while read -r line; do sql postgres "$line"; done
use_keys
take
use_keys "require_signature = $CI, $PEER"
refused "it is not signed, and target dev has require_signature"
minisign -S -W -s "$KEYS/peer.key" -m "$SNAPSHOT" >/dev/null </dev/null
belay 0 verify "$ID"
belay 0 prove "$ID"
use_keys "require_signature = $CI"
refused "which is not trusted here"
use_keys "require_signature = $PEER"

begin "a changed file, signature or comment, or another file under the name, is refused"
cp "$SNAPSHOT" "$WORK/whole.tar"
cp "$SNAPSHOT.minisig" "$WORK/whole.minisig"
sed -i '3s/file:/File:/' "$SNAPSHOT.minisig"
refused "trusted comment was changed"
sed '4s/[A-Za-z]/0/5' "$WORK/whole.minisig" >"$SNAPSHOT.minisig"
refused "trusted comment was changed"
head -n 3 "$WORK/whole.minisig" >"$SNAPSHOT.minisig"
refused "no whole file of minisign"
cp "$WORK/whole.minisig" "$SNAPSHOT.minisig"
belay 0 verify "$ID"
first=$ID
use_keys
take
use_keys "require_signature = $PEER"
cp "backups/dev/$first.tar.minisig" "$SNAPSHOT.minisig"
refused "is not what was signed"
cp "backups/dev/$first.tar" "$SNAPSHOT"
refused "it was signed as $first.tar: another file lies under this name"
minisign -S -l -W -s "$KEYS/peer.key" -m "$SNAPSHOT" >/dev/null </dev/null
refused "of the old kind"

begin "a key that the target itself does not trust signs nothing: both are named, beforehand"
rm -f backups/dev/*.tar*
# minisign leaves out zeros in front, which one key in sixteen has.
key_id() { printf '%16s' "$(sed -n '1s/.* //p' "$KEYS/$1.pub")" | tr ' ' 0; }
use_keys "sign_with = $KEYS/ci.key" "require_signature = $PEER"
for verb in snapshot doctor preflight; do
    belay 3 $verb
    cat "$OUT" >>"$ERR"
    err_has "signs with key $(key_id ci)"
    err_has "require_signature wants $(key_id peer)"
done
equals "files in the store" "$(find backups -name '*.tar*')" ""
use_keys "sign_with = $KEYS/ci.key" "require_signature = $PEER, $CI"
belay 0 snapshot
belay 0 doctor
use_keys "require_signature = $PEER"
take
err_has "is not signed, and target dev has require_signature"
belay 0 doctor
out_has "signs none"

begin "a snapshot of another server that nobody signed asks first"
rm -f backups/dev/*.tar*
use_keys "accept_loss = yes"
take
belay 0 restore "$ID"
err_lacks "was taken on another server"
start_cluster other
sql postgres "CREATE DATABASE bank"
use_keys "accept_loss = yes"
belay 3 restore "$ID"
err_has "was taken on another server"
err_has "nobody agreed"
nothing_made
belay 3 restore "$ID" --table projects
err_has "was taken on another server"
belay 0 restore "$ID" --yes

begin "so does one that was brought along, for another target, encrypted"
drop_all() { for name in $(databases); do sql postgres "DROP DATABASE \"$name\""; done; }
drop_all
sql postgres "CREATE DATABASE bank"
PGHOST=$(cluster_host) use_keys "encrypt_to = $OPS" "identity = $KEYS/ops.txt"
plain=$ID
take
cat >>belay.ini <<INI
[target.here]
environment = development
host = $(cluster_host other)
user = postgres
dbname = bank
gate = none
store = local
identity = $KEYS/ops.txt
INI
belay 3 restore "$ID" -t here --from dev
err_has "was taken on another server"
nothing_made
belay 0 restore "$ID" -t here --from dev --yes
err_has "was taken on another server"
ID=$plain
SNAPSHOT=backups/dev/$ID.tar
drop_all
minisign -S -W -s "$KEYS/peer.key" -m "$SNAPSHOT" >/dev/null </dev/null
use_keys "accept_loss = yes" "require_signature = $PEER"
belay 0 restore "$ID"
err_lacks "was taken on another server"

begin "private keys that belay does not take"
printf 'secret\nsecret\n' | minisign -G -f -p "$KEYS/locked.pub" -s "$KEYS/locked.key" >/dev/null 2>&1 || true
[ -s "$KEYS/locked.key" ] || fail "minisign made no key with a password"
chmod 600 "$KEYS/locked.key"
use_keys "sign_with = $KEYS/locked.key"
belay 3 snapshot
err_has "wants a password"
use_keys "sign_with = $KEYS/ops.txt"
belay 3 snapshot
err_has "no private key of minisign"
chmod 644 "$KEYS/ci.key"
use_keys "sign_with = $KEYS/ci.key"
belay 3 snapshot
err_has "others can read this private key"
equals "parts left" "$(find backups -name '*.part*')" ""
