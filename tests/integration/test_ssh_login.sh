#!/bin/bash
# Ways of logging in that go wrong with a word of their own: too many keys, a key that is not enough, no algorithm in common, a ProxyCommand
# that ends, a ProxyJump in a circle, an SFTP server that is none.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"

mkdir "$WORK/project" "$WORK/snapshots"
cd "$WORK/project"
# store_on HOST [LINE...]: a target whose snapshots are on that host, with lines of the store.
store_on() {
    {
        printf '[target.dev]\nenvironment = development\nhost = db.example\ndbname = bank\nstore = far\n'
        printf '[store.far]\nurl = sftp://%s%s\n' "$1" "$WORK/snapshots"
        shift
        [ "$#" -eq 0 ] || printf '%s\n' "$@"
    } >belay.ini
}
# logs_in, does_not: `snapshots` has nothing to do but to look there.
logs_in() {
    belay 0 snapshots -t dev
}
does_not() {
    belay "${1:-1}" snapshots -t dev
}

begin "an agent with more keys than the server lets try"
start_sshd busy --line "MaxAuthTries 3"
for number in 1 2 3 4 5; do ssh_make_key ed25519 "$HOME/.ssh/id_more$number"; done
ssh_alias all busy "IdentityFile $HOME/.ssh/none"
start_agent id_more1 id_more2 id_more3 id_more4 id_more5 id_ed25519
store_on all
does_not
err_has "the server ended the connection"
err_has "Too many authentication failures"
err_has "ssh_key"
err_has "IdentitiesOnly"
[ "$(grep -c "the server does not take it" "$ERR")" -lt 3 ] || fail "keys are called wrong that were never tried"

begin "ssh_key is tried before the agent's other keys, and the agent's own copy of a key that a file names is, too"
store_on all "ssh_key = $HOME/.ssh/id_ed25519"
logs_in
ssh_alias named busy "IdentityFile $HOME/.ssh/id_ed25519"
store_on named
logs_in

begin "IdentityFile names a public key, whose private one the agent has alone"
mkdir "$WORK/public"
cp "$HOME/.ssh/id_ed25519.pub" "$WORK/public/id"
ssh_alias public busy "IdentityFile $WORK/public/id" "IdentitiesOnly yes"
store_on public
logs_in
mv "$WORK/public/id" "$WORK/public/id.pub"
logs_in
cp "$HOME/.ssh/id_stranger.pub" "$WORK/public/id.pub"
does_not
err_has "the server lets user"
stop_agent

begin "a key that is not enough"
start_sshd careful --line "PasswordAuthentication yes" --line "AuthenticationMethods publickey,password"
store_on careful
does_not
err_has "takes the key of user ${SSH_USER[careful]}, and wants more than that: password"
err_has "ssh_password"
store_on careful "ssh_password = \${WORD}"
WORD="no such word" does_not
err_has "the password: the server does not take it"
! grep -q "no such word" "$OUT" "$ERR" || fail "the password is told"

begin "nothing in common: what of, and what the server should take as well"
# meets NAME KEYWORD METHOD WANTED [VERSION]: a server that takes this one alone, which libssh2 knows since that version (none: not yet).
meets() {
    start_sshd "$1" --line "$2 $3"
    store_on "$1"
    if [ "$#" -gt 4 ] && has_libssh2 "$5"; then
        logs_in
        return
    fi
    does_not
    err_has "of ${2##*$'\n'} the server takes $3"
    err_has "and libssh2 $(libssh2_version) knows none of that"
    err_lacks "ext-info"
    err_has "\`${2##*$'\n'} +$4\`"
}
meets etm "Ciphers aes256-ctr
MACs" hmac-sha2-256-etm@openssh.com hmac-sha2-256 1.11
meets chacha Ciphers chacha20-poly1305@openssh.com aes128-ctr 1.11
meets kex KexAlgorithms sntrup761x25519-sha512@openssh.com curve25519-sha256

begin "a server that hangs up before it says anything"
start_link shut 127.0.0.1 1
ssh_alias crowded busy "Port ${LINK_PORT[shut]}"
store_on crowded "ssh_known_hosts = $HOME/.ssh/known_hosts"
belay 1 targets trust dev
err_has "ended it before a word was said"
err_has MaxStartups

begin "a ProxyCommand that ends, and a ProxyJump in a circle"
ssh_alias broken busy "ProxyCommand echo no way; exit 3"
store_on broken
does_not
err_has "the ProxyCommand ended with status 3"
ssh_alias round busy "ProxyJump round"
store_on round
does_not 2
err_has "round: more than 8 hosts are on the way"
err_has "ProxyJump none"
equals "times that the way is named" "$(grep -o "on the way to" "$ERR" | wc -l)" 1

begin "a server whose SFTP is none is no line that was lost: told at once, with what it says"
printf '#!/bin/sh\necho Welcome to this machine\nexec /usr/lib/openssh/sftp-server\n' >"$WORK/sftp-server"
chmod 755 "$WORK/sftp-server"
start_sshd chatty --sftp "$WORK/sftp-server"
store_on chatty
start=$SECONDS
does_not
err_has "what it sends is no SFTP"
err_has "Welcome to this machine"
err_has "a start-up file of the user's shell"
printf '#!/bin/sh\nexit 7\n' >"$WORK/sftp-server"
does_not
err_has "the server ended it"
err_has "a start-up file of the user's shell"
[ $((SECONDS - start)) -lt 20 ] || fail "it took $((SECONDS - start)) s"

nothing_left "$WORK/snapshots"
