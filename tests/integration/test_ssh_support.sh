#!/bin/bash
# The tests' own sshd, agent and links (support/ssh_lib.sh), with OpenSSH as the client: what the other tests with the label ssh
# rely on. test_ssh_hosts.sh has the hosts (netns_lib.sh).
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# What no test may touch: root's (or whose it is) own keys, and the machine's.
listing() {
    find "$(getent passwd "$(id -u)" | cut -d: -f6)/.ssh" /etc/ssh -printf '%p %s %T@\n' 2>/dev/null | sort || true
}
listing >"$WORK/before"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"

# runs STATUS TEXT COMMAND...: the command ends with that status (a|b: one of them), and says TEXT on either output.
runs() {
    local expected=$1 text=$2 status=0
    shift 2
    LAST=$*
    timeout 60 "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
    [[ "|$expected|" == *"|$status|"* ]] || fail "status $status, expected $expected"
    [ -z "$text" ] || grep -qF -- "$text" "$OUT" "$ERR" || fail "neither output has: $text"
}
# batch STATUS HOST COMMAND...: of sftp, one a line. It dies of SIGPIPE where its ssh is gone.
batch() {
    local expected=$1 host=$2
    shift 2
    printf '%s\n' "$@" >"$WORK/batch"
    runs "$expected" "" sftp -b "$WORK/batch" "$host"
}
seconds() { date +%s.%N; }
took() { # WHAT SINCE LOW HIGH
    local now
    now=$(seconds)
    awk -v since="$2" -v now="$now" -v low="$3" -v high="$4" 'BEGIN { exit !(now - since >= low && now - since <= high) }' ||
        fail "$1 took $(awk -v since="$2" -v now="$now" 'BEGIN { print now - since }') s, expected $3 to $4"
}

begin "each key that is let in, and no other"
start_sshd database
for key in ed25519 ecdsa rsa; do
    ssh_alias "with_$key" database "IdentityFile $HOME/.ssh/id_$key"
    runs 0 "Server accepts key: $HOME/.ssh/id_$key " ssh -v "with_$key" true
done
ssh_alias stranger database "IdentityFile $HOME/.ssh/id_stranger"
runs 255 "Permission denied" ssh stranger true
runs 0 "$(id -un)" ssh database id -un
runs 7 "" ssh database "exit 7"
runs 0 "" ssh -p "${SSH_PORT[database]}" "$(id -un)@127.0.0.1" true
equals "ssh -G" "$(ssh -G database 2>"$ERR" | grep -E '^(hostname|port|user|identityfile|userknownhostsfile) ' | sort | tr '\n' ';')" \
    "hostname 127.0.0.1;identityfile $HOME/.ssh/id_ed25519;port ${SSH_PORT[database]};user $(id -un);userknownhostsfile $HOME/.ssh/known_hosts;"
nothing_left

begin "an encrypted key, with an agent"
ssh_alias locked database "IdentityFile $HOME/.ssh/id_locked"
runs 255 "Permission denied" ssh locked true
start_agent id_locked
runs 0 "" ssh locked true
runs 0 "locked" ssh-add -l
rm "$HOME/.ssh/id_locked"
runs 0 "" ssh -o "IdentityFile none" stranger true
socket=$SSH_AUTH_SOCK
stop_agent
[ ! -e "$socket" ] || fail "the agent's socket is left"
runs 255 "Permission denied" ssh locked true

begin "a host key that is unknown, changed, revoked"
change_host_keys database
runs 255 "REMOTE HOST IDENTIFICATION HAS CHANGED" ssh database true
trust_sshd database
runs 0 "" ssh database true
cp "$HOME/.ssh/known_hosts" "$WORK/known_hosts"
sed 's/^/@revoked /' "$WORK/known_hosts" >>"$HOME/.ssh/known_hosts"
runs 255 "REVOKED HOST KEY" ssh database true
: >"$HOME/.ssh/known_hosts"
runs 255 "Host key verification failed" ssh database true
cp "$WORK/known_hosts" "$HOME/.ssh/known_hosts"
start_sshd old --host-keys rsa
runs 255 "no matching host key type" ssh -o HostKeyAlgorithms=ssh-ed25519 old true
runs 0 "" ssh old true

begin "a jump host"
start_sshd bastion
ssh_alias far database "ProxyJump bastion"
runs 0 "$(id -un)" ssh far id -un
equals "log-ins on the way" "$(grep -c "Accepted publickey" "$WORK/sshd-bastion/sshd.log")" 1
nothing_left

begin "sftp, through a link with a delay"
start_link slow 127.0.0.1 "${SSH_PORT[database]}" --delay-ms 50
ssh_alias slowly database "Port ${LINK_PORT[slow]}" "HostKeyAlias [127.0.0.1]:${SSH_PORT[database]}"
mkdir "$WORK/store"
head -c 20000000 /dev/urandom >"$WORK/data"
since=$(seconds)
batch 0 slowly "put $WORK/data $WORK/store/data" "get $WORK/store/data $WORK/back"
took "put and get" "$since" 0.5 60
cmp "$WORK/data" "$WORK/store/data"
cmp "$WORK/data" "$WORK/back"

begin "the link is cut while a file is put"
rm "$WORK/store/data"
link slow "cut-after up:3000000"
batch "255|141" slowly "put $WORK/data $WORK/store/data.part"
size=$(stat -c %s "$WORK/store/data.part")
[ "$size" -gt 0 ] && [ "$size" -lt 3000000 ] || fail "$size bytes arrived"
cmp -n "$size" "$WORK/data" "$WORK/store/data.part"
equals "what nothing_left says of it" "$(ssh_left "$WORK/store")" "$WORK/store/data.part"
batch 0 slowly "reput $WORK/data $WORK/store/data.part" "rename $WORK/store/data.part $WORK/store/data"
cmp "$WORK/data" "$WORK/store/data"
nothing_left "$WORK/store"
stop_link slow

begin "an sftp server without OpenSSH's extensions"
batch 0 database "df $WORK/store"
runs 0 'extension "posix-rename@openssh.com" revision 1' sftp -vv -b "$WORK/batch" database
start_sshd plain --sftp "$SFTP_PLAIN"
runs 1 "Server does not support statvfs@openssh.com extension" sftp -vv -b "$WORK/batch" plain
err_lacks "@openssh.com\" revision"
batch 0 plain "put $WORK/data $WORK/store/plain" "rename $WORK/store/plain $WORK/store/renamed"
cmp "$WORK/data" "$WORK/store/renamed"
start_sshd helper --sftp "/usr/lib/openssh/sftp-server -R"
batch 0 helper "get $WORK/store/data $WORK/back"
batch 1 helper "put $WORK/data $WORK/store/forbidden"

begin "an sshd that accepts and then says nothing"
freeze_sshd database
since=$(seconds)
runs 255 "timed out" ssh -o ConnectTimeout=2 database true
took "giving up" "$since" 1.5 20
thaw_sshd database
runs 0 "" ssh database true

begin "sessions that are killed, and what they leave"
ssh database "echo begun; exec sleep 1000" >"$WORK/long" 2>&1 &
client=$!
wait_until grep -q begun "$WORK/long"
[ -n "$(sshd_sessions database)" ] || fail "no session is found"
sleeper=$(sshd_commands database)
equals "the command" "$(ps -o args= -p "$sleeper")" "sleep 1000"
NOTHING_LEFT_S=0
(nothing_left) >"$WORK/leavings" 2>&1 && fail "nothing_left does not see a session"
grep -q "of sshd database: $sleeper command" "$WORK/leavings" || fail "$(cat "$WORK/leavings")"
unset NOTHING_LEFT_S
kill_sshd_sessions database
status=0
wait "$client" || status=$?
equals "the client's status" "$status" 255
equals "what goes on without its session" "$(sshd_commands database)" "$sleeper"
runs 0 "" ssh database true

begin "stop_sshd ends everything, and restart_sshd begins again on the same port"
ssh database "echo begun; sleep 1000" >"$WORK/longer" 2>&1 &
client=$!
wait_until grep -q begun "$WORK/longer"
listener=${sshd_pids[database]}
stop_sshd database
wait "$client" || true
ssh_alive "$listener" && fail "the listener is alive"
ssh_alive "$sleeper" && fail "the command is alive"
equals "processes" "$(ssh_processes database)" ""
runs 255 "Connection refused" ssh database true
restart_sshd database
runs 0 "" ssh database true

begin "sessions of a listener that was killed are found, and ended"
ssh database "echo begun; sleep 1000" >"$WORK/longest" 2>&1 &
client=$!
wait_until grep -q begun "$WORK/longest"
kill -KILL "${sshd_pids[database]}"
sessions=$(sshd_sessions database | wc -l)
[ "$sessions" -gt 0 ] || fail "no session is found"
stop_sshd database
equals "processes" "$(ssh_processes database)" ""
wait "$client" || true
restart_sshd database
runs 0 "" ssh database true

begin "a test that is killed takes its servers and links with it"
mkdir "$WORK/killed"
cat >"$WORK/killed.sh" <<'SH'
source "$BELAY_SOURCE/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
start_sshd one
start_link slow 127.0.0.1 "${SSH_PORT[one]}"
ssh one true
echo "pids ${sshd_pids[*]} ${link_pids[*]}"
kill -KILL $$
SH
runs 137 "pids " env BELAY_TEST_BASE="$WORK/killed" bash "$WORK/killed.sh"
for pid in $(sed -n 's/^pids //p' "$OUT"); do
    for ((i = 0; i < 500; i++)); do
        ssh_alive "$pid" || break
        sleep 0.01
    done
    ! ssh_alive "$pid" || fail "process $pid outlived its test"
done

begin "a process with the test's HOME that its parent left behind is seen"
(setsid sh -c 'sleep 1000 & echo $! >"$0"' "$WORK/orphan" </dev/null >/dev/null 2>&1)
orphan=$(cat "$WORK/orphan")
NOTHING_LEFT_S=0
(nothing_left) >"$WORK/leavings" 2>&1 && fail "nothing_left does not see an orphan"
grep -q "process $orphan: sleep 1000" "$WORK/leavings" || fail "$(cat "$WORK/leavings")"
unset NOTHING_LEFT_S
kill "$orphan"
nothing_left "$WORK/store"

if [ "$(id -u)" -eq 0 ] && id postgres >/dev/null 2>&1; then
    begin "an unprivileged user's sshd logs in that user"
    start_sshd mortal --user postgres
    runs 0 postgres ssh mortal id -un
    runs 255 "Permission denied" ssh -l root mortal true
    batch 0 mortal "get $WORK/store/data $WORK/back"
    cmp "$WORK/data" "$WORK/back"
    change_host_keys mortal ed25519
    runs 255 "REMOTE HOST IDENTIFICATION HAS CHANGED" ssh mortal true
    nothing_left

    begin "the whole of it as an unprivileged user"
    install -d -o postgres "$WORK/mortal"
    cat >"$WORK/mortal.sh" <<'SH'
source "$BELAY_SOURCE/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
start_sshd one
start_sshd two
ssh_alias far two "ProxyJump one"
start_agent id_locked
ssh_alias locked one "IdentityFile $HOME/.ssh/id_locked"
ssh far id -un
ssh locked true
nothing_left
echo "pids ${sshd_pids[*]} $agent_pid"
fail "on purpose"
SH
    runs 1 "FAIL: on purpose" setpriv --reuid postgres --regid "$(id -g postgres)" --init-groups \
        env BELAY_TEST_BASE="$WORK/mortal" bash "$WORK/mortal.sh"
    equals "who logged in" "$(head -n 1 "$OUT")" postgres
    equals "what a failed test leaves" "$(find "$WORK/mortal" -mindepth 1)" ""
    for pid in $(sed -n 's/^pids //p' "$OUT"); do
        ssh_alive "$pid" && fail "process $pid outlived its test"
    done
fi

begin "nothing of the machine's own was touched"
listing | diff -u "$WORK/before" - || fail "files of the machine were touched"
