#!/bin/bash
# The tests' own hosts (support/netns_lib.sh) with OpenSSH as the client: ci reaches the database through app's sshd and not
# otherwise; two tests run side by side; nothing is left of them, also after a failure.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
source "$BELAY_SOURCE/tests/support/netns_lib.sh"

begin "three hosts"
three_hosts
for host in app database; do
    equals "user on $host" "$(on ci ssh "$host" id -un)" root
    equals "host of $host's sessions" "$(on ci ssh "$host" ip -o -4 addr show scope global | awk '{ print $4 }' | cut -d/ -f1 | sort | head -n 1)" \
        "$(if [ "$host" = app ]; then echo 10.77.1.2; else echo 10.77.2.3; fi)"
done
equals "log-ins on the database's host, by way of app" \
    "$(grep -c "Accepted publickey for root from 10.77.2.2 " "$WORK/sshd-database/sshd.log")" 2
if on ci ssh -o ConnectTimeout=2 -o ProxyJump=none database true 2>"$ERR"; then fail "ci reaches the database without app"; fi
err_has "Network is unreachable"
on ci ssh app ssh -F "$HOME/.ssh/config" -o ProxyJump=none database true </dev/null

# app listens on its address in the database's net, too, by a name that known_hosts does not have.
on database ssh -o HostName=10.77.2.2 -o HostKeyAlias=10.77.1.2 app true </dev/null

begin "PostgreSQL on the database's host, through a tunnel"
start_host_cluster database
equals "from the test" "$(sql postgres "SELECT 1")" 1
if on ci psql -X -d "host=10.77.2.3 connect_timeout=2 dbname=postgres" -c "SELECT 1" >"$OUT" 2>"$ERR"; then fail "ci reaches PostgreSQL"; fi
on ci ssh -f -N -o ExitOnForwardFailure=yes -o ControlMaster=yes -o "ControlPath $WORK/control" \
    -L 5555:10.77.2.3:5432 app </dev/null >"$OUT" 2>"$ERR"
equals "address that PostgreSQL sees" "$(on ci psql -X -A -t -d "host=127.0.0.1 port=5555 dbname=postgres" -c "SELECT inet_client_addr()")" \
    10.77.2.2
on ci ssh -o "ControlPath $WORK/control" -O exit app 2>"$ERR"
nothing_left

begin "belay on a host"
belay_on app 0 --version
out_has "$("$BELAY" --version)"
printf '#!/bin/sh\nexec sleep 1000\n' >"$WORK/program"
chmod 755 "$WORK/program"
BELAY=$WORK/program make_host spare
"$WORK/host-spare/belay" &
program=$!
wait_until grep -qx sleep "/proc/$program/comm"
equals "its namespace" "$(ip netns pids "$(netns_of spare)")" "$program"
kill "$program"
wait "$program" || true

begin "a wire that is cut, and mended"
mkfifo "$WORK/words"
on ci ssh app "echo begun; read -r line; echo got \$line" <"$WORK/words" >"$WORK/long" 2>"$WORK/long.err" &
client=$!
exec 7>"$WORK/words"
wait_until grep -q begun "$WORK/long"
cut_wire ci app
if on ci ssh -o ConnectTimeout=1 app true 2>"$ERR"; then fail "the wire is not cut"; fi
err_has "timed out"
echo hello >&7
mend_wire ci app
wait "$client"
exec 7>&-
rm "$WORK/words"
equals "a connection that outlived it" "$(tail -n 1 "$WORK/long")" "got hello"
on ci ssh app true </dev/null
nothing_left

begin "another test's hosts at the same time, and nothing of them left after it fails or is ended"
cat >"$WORK/other.sh" <<'SH'
source "$BELAY_SOURCE/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
source "$BELAY_SOURCE/tests/support/netns_lib.sh"
three_hosts
start_host_cluster database
on ci ssh database id -un
ip netns exec "$(netns_of ci)" sleep 1000 &
echo "pids ${sshd_pids[*]} $! $(head -n 1 "$WORK/pg/data/postmaster.pid")"
echo "namespaces $(netns_of ci) $(netns_of app) $(netns_of database)"
if [ "$1" = fail ]; then fail "on purpose"; fi
wait
SH
mkdir "$WORK/other"
none_left() {
    local word
    for word in $(sed -n 's/^pids //p' "$OUT"); do
        ssh_alive "$word" && fail "process $word outlived its test"
    done
    for word in $(sed -n 's/^namespaces //p' "$OUT"); do
        [ ! -e "/run/netns/$word" ] || fail "namespace $word is left"
    done
    equals "words" "$(grep -cE '^(pids [0-9 ]+|namespaces .*-database)$' "$OUT")" 2
    equals "what the test leaves" "$(find "$WORK/other" -mindepth 1)" ""
}
status=0
BELAY_TEST_BASE=$WORK/other bash "$WORK/other.sh" fail >"$OUT" 2>"$ERR" </dev/null || status=$?
equals "status" "$status" 1
err_has "FAIL: on purpose"
none_left
BELAY_TEST_BASE=$WORK/other bash "$WORK/other.sh" wait >"$OUT" 2>"$ERR" </dev/null &
other=$!
wait_until grep -q '^namespaces ' "$OUT"
kill "$other"
status=0
wait "$other" || status=$?
equals "status" "$status" 143
none_left
equals "user on database" "$(on ci ssh database id -un)" root
