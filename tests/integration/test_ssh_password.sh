#!/bin/bash
# Logging in to an SSH server by a password, which servers ask for in two ways.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"

# by_store URL [LINES]: a project whose store is there; its listing needs no database.
by_store() {
    printf '[target.dev]\nenvironment = development\nhost = /nowhere\ndbname = bank\nstore = far\n[store.far]\nurl = %s\n%s\n' "$1" "${2:-}" >belay.ini
}
mkdir "$WORK/project" && cd "$WORK/project"
# libssh2 1.10 forgets its first list of ways to log in when it is asked for another one.
libssh2_leaks
user_added=
remove_user() {
    if [ -n "$user_added" ]; then userdel "$user_added"; fi
}
at_end remove_user

user=belay$((RANDOM % 9000 + 1000))
word="pass word of $$ $RANDOM"
if [ "$(id -u)" -ne 0 ] || ! PATH=$PATH:/usr/sbin type -P useradd userdel openssl >/dev/null; then
    skip "this needs root, who adds a user that has a password"
fi
PATH=$PATH:/usr/sbin
useradd --no-create-home --home-dir "$WORK/guest" --shell /bin/sh --password "$(openssl passwd -6 -stdin <<<"$word")" "$user" 2>"$ERR" ||
    skip "no user can be added: $(cat "$ERR")"
user_added=$user
mkdir "$WORK/guest"
chown "$user:" "$WORK/guest"
start_sshd asks --line "AuthorizedKeysFile none" --line "PasswordAuthentication yes"
start_sshd pam --line "AuthorizedKeysFile none" --line "UsePAM yes" --line "KbdInteractiveAuthentication yes"
for server in asks pam; do
    begin "a password, for a server that $server"
    by_store "sftp://$user@127.0.0.1:${SSH_PORT[$server]}$WORK/guest/$server" $'ssh_password = ${WORD}'
    WORD=$word belay 0 snapshots
    grep -q "Accepted .* for $user " "$WORK/sshd-$server/sshd.log" || fail "the server does not know of it"
    WORD="not $word" belay 1 snapshots
    err_has "the password: the server does not take it"
    ! grep -F -e "$word" "$OUT" "$ERR" || fail "the password is told"
    by_store "sftp://$user@127.0.0.1:${SSH_PORT[$server]}$WORK/guest/$server"
    belay 1 snapshots
    err_has "the server lets user $user not in; it takes: "
    err_lacks "the password:"
    stop_sshd "$server"
done

nothing_left
