#!/bin/bash
# `targets trust`: the host keys of all SSH servers that a target needs are shown and recorded; changed and revoked ones are refused.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
known=$HOME/.ssh/known_hosts

start_sshd gate --host-keys ed25519
start_sshd database --host-keys ed25519
start_sshd vault --host-keys ecdsa
start_sshd app1 --host-keys ed25519
ssh_alias far database "ProxyJump gate"
rm "$known"
mkdir "$WORK/project"
cd "$WORK/project"
cat >belay.ini <<INI
[target.near]
environment = development
host = db.example
dbname = bank
[target.live]
environment = development
host = 127.0.0.1
dbname = bank
ssh = far
store = vault
stop_command = true
stop_command_on = app1, gate
[target.leaky]
environment = development
host = db.example
dbname = bank
store = leaky
[store.vault]
url = sftp://${SSH_USER[vault]}@127.0.0.1:${SSH_PORT[vault]}/srv
[store.leaky]
url = sftp://backup:hidden@127.0.0.1:${SSH_PORT[vault]}/srv
[host.app1]
ssh = app1
[host.gate]
ssh = gate
INI
# types ANSWER STATUS ARGUMENTS...: belay at a terminal, where that is typed.
types() {
    local answer=$1 expected=$2 status=0
    shift 2
    LAST="belay $* (at a terminal: $answer)"
    python3 "$BELAY_SOURCE/tests/support/type.py" "$answer" "$BELAY" "$@" >"$OUT" 2>"$ERR" || status=$?
    [ "$status" -eq "$expected" ] || fail "status $status, expected $expected"
}
fingerprint() { ssh-keygen -lf "$(echo "$WORK/sshd-$1"/host_key_*.pub)" | cut -d' ' -f2; }
lines() { grep -c . "$known" || true; }

begin "where nobody is at a terminal it says what it saw, and records nothing"
belay 3 targets trust live
err_has "gate (on the way to far: [127.0.0.1]:${SSH_PORT[gate]}) shows a key that is not known: ssh-ed25519 $(fingerprint gate)"
err_has "--yes"
out_has "unknown  on the way to far"
err_has "${SSH_USER[vault]}@127.0.0.1:${SSH_PORT[vault]} (store: [127.0.0.1]:${SSH_PORT[vault]}) shows a key that is not known: ecdsa-sha2-nistp256 $(fingerprint vault)"
err_has "app1 (host app1: [127.0.0.1]:${SSH_PORT[app1]}) shows a key that is not known: ssh-ed25519 $(fingerprint app1)"
err_has "3 host keys of target live are not known"
err_has "belay targets trust live"
equals "servers" "$(cut -c1-50 "$OUT" | tr -s ' ' | sed 's/ $//')" \
    "unknown on the way to far gate
behind ssh far
unknown store ${SSH_USER[vault]}@127.0.0.1:${SSH_PORT[vault]}
unknown host app1 app1"
[ ! -e "$known" ] || fail "known_hosts was written: $(cat "$known")"
belay 3 targets trust live --json
json_is error.code policy
json_is hosts.1.state behind
json_is hosts.3.fingerprint "$(fingerprint app1)"
[ ! -e "$known" ] || fail "known_hosts was written: $(cat "$known")"

begin "the keys whose fingerprints are given are recorded, and no others"
belay 3 targets trust live --fingerprint "$(fingerprint vault)" --fingerprint "$(fingerprint gate)"
out_has "added    on the way to far"
out_has "added    store"
out_has "unknown  ssh"
out_has "unknown  host app1"
err_has "2 host keys of target live are not known"
equals "lines" "$(lines)" 2
types yes 3 targets trust live --fingerprint "$(fingerprint database)" # nobody is asked
out_lacks "type yes:"
equals "lines" "$(lines)" 3
belay 0 targets trust live --fingerprint "$(fingerprint app1)" --fingerprint "$(fingerprint gate)"
equals "lines" "$(lines)" 4
belay 3 targets trust live --fingerprint "SHA256:$(printf 'A%.0s' {1..43})"
err_has "no server of target live shows the key SHA256:AAAA"
for wrong in "$(fingerprint app1 | tr -d =).." MD5:00:11 "${known}"; do
    belay 2 targets trust live --fingerprint "$wrong"
    err_has "is no fingerprint of a host key"
done
belay 2 targets trust live --yes --fingerprint "$(fingerprint app1)"
belay 2 targets live --fingerprint "$(fingerprint app1)"
rm "$known"

begin "at a terminal all but yes records nothing"
types no 3 targets trust live
out_has "$(fingerprint gate)"
out_has "type yes:"
out_has "it was not recorded"
[ ! -e "$known" ] || fail "known_hosts was written: $(cat "$known")"

begin "yes records each server's key, those on the way first"
types yes 0 targets trust live
equals "order" "$(grep -o '^added  *.* \(gate\|far\|app1\|.*@127[^ ]*\) ' "$OUT" | tr -s ' ' | sed 's/ $//')" \
    "added on the way to far gate
added ssh far
added store ${SSH_USER[vault]}@127.0.0.1:${SSH_PORT[vault]}
added host app1 app1"
for name in gate database vault app1; do
    out_has "$(fingerprint "$name")"
    grep -qxF "[127.0.0.1]:${SSH_PORT[$name]} $(cut -d' ' -f1,2 "$WORK/sshd-$name"/host_key_*.pub)" "$known" || fail "$name is missing: $(cat "$known")"
done
equals "lines" "$(lines)" 4
equals "mode" "$(stat -c %a "$known")" 600
ssh far true || fail "ssh does not take what was recorded"

begin "what is known is said with its place, and nothing is added"
before=$(cat "$known")
belay 0 targets trust live
out_has "known    ssh                  far"
out_has "$known:2"
belay 0 targets trust -t live --json
json_is ok true
json_is target live
json_is hosts.3.state known
json_is hosts.3.role "host app1"
json_is hosts.0.fingerprint "$(fingerprint gate)"
json_is hosts.0.place "$known:1"
equals "known_hosts" "$(cat "$known")" "$before"

begin "--yes asks nobody, for what is missing alone"
grep -vF ":${SSH_PORT[vault]} " <<<"$before" >"$known"
belay 0 targets trust live --yes
err_has "shows a key that is not known: ecdsa-sha2-nistp256 $(fingerprint vault); --yes has it recorded in $known"
out_has "added    store"
equals "lines" "$(lines)" 4

begin "a changed key is refused with its place, --yes or not"
old=$(fingerprint database)
before=$(cat "$known")
change_host_keys database
belay 3 targets trust live --yes --json
json_is error.code host_key
json_is hosts.1.state refused
belay 3 targets trust live --yes
err_has "THE HOST KEY HAS CHANGED"
err_has "$(fingerprint database)"
err_has "$old"
err_has "$known:2"
equals "known_hosts" "$(cat "$known")" "$before"
trust_sshd database

begin "the same of a host on the way"
change_host_keys gate
belay 3 targets trust live --yes
err_has "gate: THE HOST KEY HAS CHANGED"
trust_sshd gate
belay 0 targets trust live

begin "a revoked key is refused"
before=$(cat "$known")
echo "@revoked * $(cut -d' ' -f1,2 "$WORK/sshd-vault"/host_key_*.pub)" >>"$known"
belay 3 targets trust live --yes
err_has "$known:5 says is revoked"
err_lacks "targets trust"
out_has "refused  store"
echo "$before" >"$known"

begin "a server that is down is named, and so is what was seen before"
stop_sshd app1
belay 1 targets trust live
err_has "app1"
out_has "known    store"
ssh_alias gone vault "Port ${SSH_PORT[app1]}"
sed "s/^ssh = far/ssh = gone/" belay.ini >gone.ini
belay 1 targets trust -t live -c gone.ini
err_has "gone"
out_has "known    store"
out_has "known    host gate"

begin "a certificate authority's line makes no key known, and that is said"
ssh-keygen -q -t ed25519 -N "" -f "$WORK/authority"
ssh-keygen -q -s "$WORK/authority" -I host -h -n 127.0.0.1 "$WORK/sshd-app1/host_key_ed25519.pub"
before=$(grep -vF ":${SSH_PORT[app1]} " "$known")
restart_sshd app1
sed "s/^stop_command_on = .*/stop_command_on = app1/; s/^ssh = far/ssh = app1/; s/^store = vault//" belay.ini >only.ini
echo "@cert-authority [127.0.0.1]:* $(cut -d' ' -f1,2 "$WORK/authority.pub")" >"$known"
belay 3 doctor -t live -c only.ini
grep -F "$known:1 names a certificate authority (@cert-authority) for it, and libssh2 cannot check host certificates" "$OUT" "$ERR" >/dev/null || fail "the authority is not named"
grep -F "belay targets trust live" "$OUT" "$ERR" >/dev/null || fail "the remedy is not named"

begin "a server that shows certificates only"
printf '%s\n' "HostCertificate $WORK/sshd-app1/host_key_ed25519-cert.pub" "HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com" >>"$WORK/sshd-app1/sshd_config"
stop_sshd app1
restart_sshd app1
belay 1 targets trust -t live -c only.ini
err_has "the server shows host certificates only (ssh-ed25519-cert-v01@openssh.com)"
err_has "cannot check host certificates"
err_has "HostKeyAlgorithms +ssh-ed25519"

begin "KnownHostsCommand is not run, and refused by name"
ssh_alias app1 app1 "KnownHostsCommand /bin/echo %H"
belay 3 targets trust -t live -c only.ini
err_has "KnownHostsCommand \"/bin/echo %H\", which belay does not run"
err_has "ssh_known_hosts"
ssh_alias app1 app1
echo "$before" >"$known"
stop_sshd app1

begin "targets without SSH, with a password in the address; wrong words"
belay 0 targets trust near
out_has "nothing over SSH"
belay 2 targets trust leaky
err_has "ssh_password"
belay 2 targets trust nowhere
belay 2 targets trust near live
err_has "too many words"
belay 2 targets --yes near
! grep -rq hidden "$OUT" "$ERR" || fail "a password was printed"
