#!/bin/bash
# Logging in to an SSH server where an agent hangs, or a name server.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
start_sshd far
mkdir "$WORK/project" && cd "$WORK/project"
mkdir "$WORK/far"

# by_store URL [LINES]: a project whose store is there; its listing needs no database.
by_store() {
    printf '[target.dev]\nenvironment = development\nhost = /nowhere\ndbname = bank\nstore = far\n[store.far]\nurl = %s\n%s\n' "$1" "${2:-}" >belay.ini
}
# within SECONDS STATUS: belay snapshots.
within() {
    local begun=$SECONDS
    belay "$2" snapshots
    [ $((SECONDS - begun)) -le "$1" ] || fail "it took $((SECONDS - begun)) s, more than $1"
}
# hung_agent HOW: at $WORK/hung.
hung_agent() {
    rm -f "$WORK/hung" "$WORK/hung-out"
    mkfifo "$WORK/hung-in" 2>/dev/null || true
    "${ssh_mortal[@]}" python3 "$BELAY_SOURCE/tests/support/hung_agent.py" "$1" "$WORK/hung" "$HOME/.ssh/id_ed25519.pub" \
        <>"$WORK/hung-in" >"$WORK/hung-out" 2>&1 &
    hung_pid=$!
    disown "$hung_pid"
    wait_until grep -qsx ready "$WORK/hung-out"
}
end_agent() { ssh_kill "$hung_pid"; }
hung_pid='' dns='' quiet=''
end_all() {
    ssh_kill $hung_pid $dns $quiet
}
at_end end_all

# Longer than the 45 s after which a server that says nothing counts as lost: looked at in the end.
begin "logs that nobody writes to"
echo one >"$WORK/log"
# Eight at once: each answer to a keep-alive may be read before anybody looks, or after.
logs=$(printf "far:$WORK/log, %.0s" 1 2 3 4 5 6 7)far:$WORK/log
mkdir "$WORK/quiet"
printf '[target.dev]\nenvironment = development\nhost = /nowhere\ndbname = bank\nlogs = %s\n[host.far]\nssh = far\n' "$logs" >"$WORK/quiet/belay.ini"
"$BELAY" logs -c "$WORK/quiet/belay.ini" >"$WORK/quiet/out" 2>"$WORK/quiet/err" </dev/null &
quiet=$!
quiet_since=$SECONDS
all_said() { [ "$(grep -c "$1\$" "$WORK/quiet/out")" -eq 8 ]; }
wait_until all_said one

for how in silent full; do
    begin "an agent that is $how: the key file is tried next"
    hung_agent $how
    ssh_alias both far "IdentityAgent $WORK/hung"
    by_store "sftp://both$WORK/far"
    within 15 0
    begin "an agent that is $how, and no key file"
    ssh_alias alone far "IdentityAgent $WORK/hung" "IdentityFile $HOME/.ssh/none"
    by_store "sftp://alone$WORK/far"
    within 15 1
    err_has "the server lets user"
    if [ $how = silent ]; then err_has "$WORK/hung: the agent there does not answer"; else err_has "$WORK/hung: no agent answers there"; fi
    end_agent
done

begin "an agent that signs nothing, as one that waits for somebody to touch the key"
hung_agent lists
by_store "sftp://alone$WORK/far"
within 25 1
err_has "$WORK/hung did not sign in time"
begin "Ctrl-C ends the wait for it"
LAST="belay snapshots, and SIGINT"
"$BELAY" snapshots >"$OUT" 2>"$ERR" </dev/null &
pid=$!
sleep 2 # on the way to the agent, or there
begun=$SECONDS
kill -INT "$pid"
wait "$pid" && fail "it succeeded"
[ $((SECONDS - begun)) -le 5 ] || fail "it took $((SECONDS - begun)) s to end"
end_agent

begin "a name server that does not answer"
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>"$ERR"; then
    printf 'nameserver 127.9.9.9\noptions timeout:30 attempts:9\n' >"$WORK/resolv.conf"
    # Takes what is asked, and says nothing.
    "${ssh_mortal[@]}" python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.9.9.9", 53))
print("ready", flush=True)
while True: s.recv(512)' >"$WORK/dns" 2>&1 &
    dns=$!
    disown "$dns"
    wait_until grep -q . "$WORK/dns"
    grep -qx ready "$WORK/dns" || fail "no name server: $(cat "$WORK/dns")"
    by_store "sftp://somebody@nobody-answers-for-this.example$WORK/far"
    LAST="belay snapshots, in a mount namespace"
    begun=$SECONDS
    status=0
    unshare -m sh -c 'mount --bind "$1" "$(readlink -f /etc/resolv.conf)" && exec "$2" snapshots' sh "$WORK/resolv.conf" "$BELAY" \
        >"$OUT" 2>"$ERR" </dev/null || status=$?
    equals "status" $status 1
    [ $((SECONDS - begun)) -le 25 ] || fail "it took $((SECONDS - begun)) s"
    err_has "nobody-answers-for-this.example has no address: no name server answered in time"
    ssh_kill "$dns"
else
    echo "  NOT RUN: this needs root's right to another resolv.conf"
fi

begin "logs that nobody writes to: the server is asked now and then whether it lives, and says so"
while [ $((SECONDS - quiet_since)) -lt 80 ]; do sleep 1; done
echo two >>"$WORK/log"
wait_until all_said two
kill -INT "$quiet"
wait "$quiet" || fail "it ended with status $?"
equals "what it said" "$(cat "$WORK/quiet/err")" ""

nothing_left
