#!/bin/bash
# An SSH server that wants new keys again and again in the middle of what is sent, as each does after so many bytes or so much time
# (RekeyLimit): whatever libssh2 is at just then has to wait, and nothing is lost or changed. With each cipher that belay asks for.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"

# libssh2 forgets the server's host key whenever it gets it anew.
libssh2_leaks

# start_rekeying NAME LIMIT DELAY_MS [LINE...]: behind a link that delays, so that an answer is never there at once; the alias slow_NAME.
start_rekeying() {
    local name=$1 lines=(--line "RekeyLimit $2" --line "LogLevel DEBUG1") delay=$3 line
    shift 3
    for line in "$@"; do lines+=(--line "$line"); done
    start_sshd "$name" "${lines[@]}"
    start_link "$name" 127.0.0.1 "${SSH_PORT[$name]}" --delay-ms "$delay"
    ssh_alias "slow_$name" "$name" "Port ${LINK_PORT[$name]}" "HostKeyAlias [127.0.0.1]:${SSH_PORT[$name]}"
}
# rekeyed NAME LEAST: so many times at least since it was asked last.
declare -A seen=()
rekeyed() {
    local count
    count=$(grep -c 'set_newkeys: rekeying' "$WORK/sshd-$1/sshd.log") || true
    [ $((count - ${seen[$1]:-0})) -ge "$2" ] || fail "$1 has had new keys $((count - ${seen[$1]:-0})) times, expected $2 at least"
    seen[$1]=$count
}

start_tcp_cluster
export TMPDIR=$WORK/tmp
mkdir -p "$TMPDIR"
bank_project
sql bank "CREATE TABLE noise AS SELECT i, decode(string_agg(md5(i || 'x' || j), ''), 'hex') AS v
    FROM generate_series(1, 600) i, generate_series(1, 500) j GROUP BY i" "CREATE TABLE more AS SELECT * FROM noise"
hashes=$(row_hashes bank)

begin "files to a store and back, with every cipher"
head -c 6000000 /dev/urandom >"$WORK/noise"
store() {
    LAST="store_driver $*"
    "${BELAY_TESTS:?}/store_driver" "$@" >"$OUT" 2>"$ERR" </dev/null || fail "\`$LAST\` failed"
}
ciphers=(aes128-ctr aes256-ctr)
if has_libssh2 1.11; then ciphers+=(aes128-gcm@openssh.com aes256-gcm@openssh.com chacha20-poly1305@openssh.com); fi
for cipher in "${ciphers[@]}"; do
    name=store_${cipher//[-@.]/_}
    start_rekeying "$name" 512K 1 "Ciphers $cipher"
    store "sftp://slow_$name$WORK/$name" put "$WORK/noise" a
    cmp "$WORK/noise" "$WORK/$name/a" || fail "$cipher: what is over there is not what was sent"
    rekeyed "$name" 5
    for readers in 1 4; do
        store "sftp://slow_$name$WORK/$name" get a "$WORK/got" "$readers"
        cmp "$WORK/noise" "$WORK/got" || fail "$cipher: what came back is not what is over there"
        rekeyed "$name" 5
    done
    grep -q "kex: server->client cipher: $cipher " "$WORK/sshd-$name/sshd.log" || fail "$cipher was not taken"
    stop_link "$name"
    stop_sshd "$name"
done

begin "snapshot and restore, of a server behind a jump host, on a store"
start_rekeying database 512K 1
start_rekeying jump 512K 1
start_rekeying far 512K 1
ssh_alias inner database "Port ${LINK_PORT[database]}" "HostKeyAlias [127.0.0.1]:${SSH_PORT[database]}" "ProxyJump slow_jump"
by_ssh "gate = rename" inner
sed -i "s#^path = .*#url = sftp://slow_far$WORK/far#" belay.ini
belay 0 snapshot --json
id=$(json id)
rekeyed database 10
rekeyed jump 10
rekeyed far 4
belay 0 verify "$id"
rekeyed far 4
belay 0 restore "$id" --yes --jobs 4
rekeyed database 10
rekeyed far 4
equals "rows" "$(row_hashes bank)" "$hashes"

begin "TLS within the tunnel"
by_ssh "gate = rename
sslmode = require" slow_database
belay 0 snapshot
rekeyed database 10

# While keys are exchanged sshd collects what a command says, so that all of it may be on its way long after the command has ended.
begin "a command that says much, and one that says nothing for longer than servers wait for a sign of life"
alive=("ClientAliveInterval 1" "ClientAliveCountMax 2")
start_rekeying app "64K 1s" 40 "${alive[@]}"
for name in asking keeping; do start_rekeying "$name" 512K 1 "${alive[@]}"; done
fresh
pending_good
by_ssh "gate = rename
stop_command = seq -f %20.0f 60000
stop_command_on = app
start_command = sleep 5; echo awake
start_command_on = app" slow_asking
sed -i "s#^path = .*#url = sftp://slow_keeping$WORK/kept#" belay.ini
printf '[host.app]\nssh = slow_app\n' >>belay.ini
run_json 0 deploy --json
json_is outcome succeeded
rekeyed app 10
equals "lines" "$(grep -c '^  app: stop_command: ' "$ERR")" 60000
err_has "  app: start_command: awake"
for name in app asking; do
    grep -q 'for keepalive' "$WORK/sshd-$name/sshd.log" || fail "belay gave $name no sign of life"
    ! grep 'Timeout, client not responding' "$WORK/sshd-$name/sshd.log" || fail "$name ended a connection that was in use"
done
# A store's connection that waits for the next one to use it gives none, and is made anew.
grep -q 'Timeout, client not responding' "$WORK/sshd-keeping/sshd.log" || fail "no connection of the store was ended meanwhile"
nothing_left "$WORK/far" "$WORK/kept" "$TMPDIR"
