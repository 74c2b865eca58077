#!/bin/bash
# A server that is reached through SSH: all commands go through the tunnel; wrong keys, logins and ways are told apart; a
# connection that is cut leaves the database as DESIGN.md promises, and nothing behind on either side.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"

stays_off() {
    nothing_left "$WORK/project/backups" "$TMPDIR"
    equals "tunnel folders" "$(find "$TMPDIR" -name 'belay-tunnel.*' | wc -l)" 0
}

sleeps_in_bank() {
    [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND state = 'active' AND pid <> pg_backend_pid()")" -gt 0 ]
}
reads_wide() {
    [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%COPY%wide%' AND state = 'active' AND pid <> pg_backend_pid()")" -gt 0 ]
}

start_sshd database
start_tcp_cluster
export TMPDIR=$WORK/tmp
mkdir -p "$TMPDIR"
bank_project
by_ssh "gate = rename"

begin "reads, snapshots and restores through the tunnel"
belay 0 current
out_has aaaa00000001
belay 0 snapshot --json
id=$(json id)
belay 0 verify "$id"
belay 0 restore "$id" --yes
same_as_before
stays_off

begin "a deploy succeeds; one that fails restores"
fresh
pending_good
run_json 0 deploy --json
json_is outcome succeeded
fresh
pending_half
run_json 4 deploy --json
json_is outcome restored
same_as_before
stays_off

begin "an unknown, a changed and a revoked host key are told apart, with the fingerprint"
fresh
print=$(ssh-keygen -lf "$WORK/sshd-database/host_key_ed25519.pub" | cut -d' ' -f2)
cp "$HOME/.ssh/known_hosts" "$WORK/known"
: >"$HOME/.ssh/known_hosts"
belay 3 current
err_has "$print"
err_has "belay targets trust"
sed "s/^/@revoked /" "$WORK/known" >"$HOME/.ssh/known_hosts"
belay 3 current
err_has revoked
err_has "$print"
cp "$WORK/known" "$HOME/.ssh/known_hosts"
change_host_keys database
belay 3 current
print=$(ssh-keygen -lf "$WORK/sshd-database/host_key_ed25519.pub" | cut -d' ' -f2)
err_has CHANGED
err_has "$print"
err_has "known_hosts:"
stays_off
trust_sshd database
belay 0 current

begin "logging in: an agent, a key that needs a passphrase, one that nobody knows, an RSA one (which libssh2 can use since 1.11)"
ssh_alias nokey database "IdentityFile $HOME/.ssh/none" "IdentitiesOnly no"
by_ssh "gate = rename" nokey
start_agent id_locked
belay 0 current
stop_agent
start_agent
belay 1 current
err_has "the agent: has no keys"
stop_agent
belay 1 current
err_has "the server lets user"
err_has "SSH_AUTH_SOCK is not set"
ssh_alias locked database "IdentityFile $HOME/.ssh/id_locked"
by_ssh "gate = rename" locked
belay 1 current
err_has "needs a passphrase"
# Longer than a server may take to let belay in.
TYPE_AFTER=21 python3 "$BELAY_SOURCE/tests/support/type.py" "$PASSPHRASE" "$BELAY" current >"$OUT" 2>"$ERR" || fail "the passphrase was typed in vain"
out_has aaaa00000001
out_lacks "$PASSPHRASE"
by_ssh $'gate = rename\nssh_passphrase = ${WORD}' locked
WORD=$PASSPHRASE belay 0 current
WORD="not it" belay 1 current
err_has "the passphrase does not open it"
! grep -rq "not it" "$OUT" "$ERR" || fail "the passphrase is told"
ssh_alias rsa database "IdentityFile $HOME/.ssh/id_rsa"
by_ssh "gate = rename" rsa
if has_libssh2 1.11; then
    belay 0 current
    by_ssh "gate = rename" nokey
    start_agent id_rsa
    belay 0 current
    stop_agent
    equals "logins with the RSA key" "$(grep -c "Accepted publickey for .* RSA " "$WORK/sshd-database/sshd.log")" 2
else
    belay 1 current
    err_has "RSA"
    err_has "ed25519"
fi
ssh_alias stranger database "IdentityFile $HOME/.ssh/id_stranger"
by_ssh "gate = rename" stranger
belay 1 current
err_has "id_stranger: the server does not take it"
stays_off

begin "a server whose only host key is RSA: refused by that name, or checked like any other since libssh2 1.11"
start_sshd old --host-keys rsa
by_ssh "gate = rename" old
if has_libssh2 1.11; then
    belay 0 current
    change_host_keys old
    belay 3 current
    err_has CHANGED
    err_has "$(ssh-keygen -lf "$WORK/sshd-old/host_key_rsa.pub" | cut -d' ' -f2)"
else
    belay 1 current
    err_has "only an RSA host key, and libssh2 $(libssh2_version) "
    err_has "ed25519"
fi

begin "through a jump host"
start_sshd jump
ssh_alias inner database "ProxyJump jump"
by_ssh "gate = rename" inner
belay 0 snapshot --json
grep -q "session opened\|Accepted publickey" "$WORK/sshd-jump/sshd.log" || fail "it did not go by jump"
stays_off
change_host_keys jump
belay 3 current
err_has CHANGED
trust_sshd jump

begin "by a ProxyCommand, which ends with the command"
ssh_alias by_command database "ProxyCommand ssh -W %h:%p jump"
by_ssh "gate = rename" by_command
belay 0 snapshot
stays_off
ssh_alias by_nothing database "ProxyCommand echo this is no server"
by_ssh "gate = rename" by_nothing
belay 1 current
err_has "by_nothing"
stays_off

begin "what is wrong on the far side is said: no server there, forwarding forbidden"
by_ssh "gate = rename" database
sed -i "s|^port = .*|port = 1|" belay.ini
belay 1 current
err_has "127.0.0.1:1"
err_has "AllowTcpForwarding"
by_ssh "gate = rename" database
sed -i "s|^dbname = .*|dbname = nobodys|" belay.ini
belay 1 current
err_has "connection to server at 127.0.0.1:$PGPORT through database failed"
start_sshd strict --line "PermitOpen none"
by_ssh "gate = rename" strict
belay 1 current
err_has "127.0.0.1:$PGPORT"
stays_off

begin "to the server's unix socket"
by_ssh "gate = rename" database
sed -i "s|^host = .*|host = $PGHOST|" belay.ini
belay 0 snapshot --json
id=$(json id)
belay 0 restore "$id" --yes
same_as_before
sed -i "s|^port = .*|port = 1|" belay.ini
belay 1 current
err_has "$PGHOST/.s.PGSQL.1 from there"
stays_off

begin "a server that takes the connection and then says nothing"
by_ssh "gate = rename" database
freeze_sshd database
start=$SECONDS
belay 1 current
err_has "said nothing"
[ $((SECONDS - start)) -lt 40 ] || fail "it took $((SECONDS - start)) s"
thaw_sshd database

begin "what libpq finds elsewhere holds for the server, and leads nowhere else: a password file, a service, PG* variables"
sql postgres "CREATE ROLE walker SUPERUSER LOGIN PASSWORD 'sesame'"
cp "$WORK/pg/data/pg_hba.conf" "$WORK/hba"
{
    echo "host all walker all scram-sha-256"
    cat "$WORK/hba"
} >"$WORK/pg/data/pg_hba.conf"
sql postgres "SELECT pg_reload_conf()" >"$OUT"
by_ssh "gate = rename"
sed -i "s/^user = .*/user = walker/" belay.ini
belay 1 current
err_has "no password"
(umask 077 && echo "127.0.0.1:$PGPORT:*:walker:sesame" >"$HOME/.pgpass")
belay 0 snapshot
rm "$HOME/.pgpass"
cp "$WORK/hba" "$WORK/pg/data/pg_hba.conf"
sql postgres "SELECT pg_reload_conf()" >"$OUT"
by_ssh "gate = rename"
PGHOSTADDR=127.0.0.9 belay 2 current
err_has "PGHOSTADDR says 127.0.0.9"
(umask 077 && echo "PGHOSTADDR=127.0.0.9" >.env)
belay 0 current
rm .env
PGSSLMODE=verify-full PGSSLROOTCERT=$WORK/server.crt belay 1 current
err_has 'does not match host name "127.0.0.1"'
printf '[elsewhere]\nhost=127.0.0.9\nport=1\ndbname=other\n[bank]\nhostaddr=127.0.0.1\nport=%s\ndbname=bank\n' "$PGPORT" >"$HOME/.pg_service.conf"
PGSERVICE=elsewhere belay 0 snapshot
sed -i "/^host =/d; /^port =/d; s/^dbname = .*/service = bank/" belay.ini
belay 0 snapshot
rm "$HOME/.pg_service.conf"
stays_off

begin "TLS up to the server, its certificate checked for its own name; strangers do not get through"
by_ssh "gate = rename
sslmode = verify-full
sslrootcert = $WORK/server.crt"
sed -i "s|^host = .*|host = db.example\nhostaddr = 127.0.0.1|" belay.ini
belay 0 current
belay 0 snapshot
sed -i "s|^host = .*|host = other.example|" belay.ini
belay 1 current
err_has "other.example"
err_has "its certificate is for another name"
by_ssh "gate = rename" database
sed -i "s/^host /hostssl /" "$WORK/pg/data/pg_hba.conf"
sql postgres "SELECT pg_reload_conf()" >"$OUT"
belay 1 current
err_has "no encryption"
err_has "sslmode = require"
sed -i "s/^hostssl /host /" "$WORK/pg/data/pg_hba.conf"
sql postgres "SELECT pg_reload_conf()" >"$OUT"
mkfifo "$WORK/hold"
"$BELAY_TESTS/tunnel_driver" database "$HOME/.ssh/id_ed25519" "$HOME/.ssh/known_hosts" 127.0.0.1 "$PGPORT" require <"$WORK/hold" >"$WORK/end" 2>"$ERR" &
driver=$!
exec 8>"$WORK/hold"
wait_until test -s "$WORK/end"
! psql -X -q "$(cat "$WORK/end") user=postgres dbname=bank sslmode=require" -c "SELECT 1" >"$OUT" 2>"$ERR" || fail "a stranger got through the tunnel's port"
exec 8>&-
wait "$driver"
stays_off

begin "a tunnel that has nothing to do, or whose client takes nothing, does not turn round for nothing; ended meanwhile, it is made anew"
"$BELAY_TESTS/tunnel_driver" database "$HOME/.ssh/id_ed25519" "$HOME/.ssh/known_hosts" 127.0.0.1 "$PGPORT" <"$WORK/hold" >"$WORK/end" 2>"$ERR" &
driver=$!
exec 8>"$WORK/hold"
wait_until test -s "$WORK/end"
through="$(cat "$WORK/end") user=postgres dbname=bank"
ticks_in_2_s() {
    local before
    before=$(awk '{ print $14 + $15 }' "/proc/$driver/stat")
    sleep 2
    echo $(($(awk '{ print $14 + $15 }' "/proc/$driver/stat") - before))
}
equals "rows through it" "$(psql -X -A -t "$through" -c "SELECT count(*) FROM generate_series(1, 1000)")" 1000
idle=$(ticks_in_2_s)
mkfifo "$WORK/taker"
psql -X -q "$through" -c "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 30000)) TO STDOUT" >"$WORK/taker" &
reader=$!
exec 7<"$WORK/taker"
sleep 2
stalled=$(ticks_in_2_s)
equals "rows of the client that paused" "$(wc -l <&7)" 30000
exec 7<&-
wait "$reader"
for how in once twice; do
    kill_sshd_sessions database
    equals "rows by a session that ended unnoticed, $how" "$(psql -X -A -t "$through" -c "SELECT count(*) FROM generate_series(1, 1000)")" 1000
done
exec 8>&-
wait "$driver"
half_a_second=$(($(getconf CLK_TCK) / 2))
[ "$idle" -lt "$half_a_second" ] || fail "an idle tunnel takes $idle ticks in 2 s"
[ "$stalled" -lt "$half_a_second" ] || fail "a tunnel whose client takes nothing takes $stalled ticks in 2 s"
stays_off

begin "the connection is cut while a migration runs, and comes back: recover puts the database back"
for how in session listener; do
    fresh
    by_ssh "gate = rename"
    pending_sleep
    "$BELAY" deploy --json >"$OUT" 2>"$ERR" </dev/null &
    run=$!
    wait_until sleeps_in_bank
    if [ "$how" = listener ]; then stop_sshd database; else kill_sshd_sessions database; fi
    status=0
    wait "$run" || status=$?
    if [ "$how" = listener ]; then restart_sshd database; fi
    case $status in
    1 | 4 | 5) ;;
    *) fail "the deploy ended with status $status" ;;
    esac
    if [ "$status" -eq 5 ]; then run_json 0 recover --json; fi
    same_as_before
    tidy
    stays_off
done

begin "the connection is cut while rows are read: no snapshot is published, nothing is left"
fresh
sql bank "CREATE TABLE wide AS SELECT i, repeat(md5(i::text), 300) AS t FROM generate_series(1, 20000) i"
start_link slow 127.0.0.1 "${SSH_PORT[database]}" --rate 3000000
ssh_alias slowly database "Port ${LINK_PORT[slow]}" "HostKeyAlias [127.0.0.1]:${SSH_PORT[database]}"
by_ssh "gate = none" slowly
"$BELAY" snapshot --json >"$OUT" 2>"$ERR" </dev/null &
run=$!
wait_until reads_wide
link slow refuse
link slow cut
status=0
wait "$run" || status=$?
[ "$status" -eq 1 ] || fail "the snapshot ended with status $status"
equals "snapshots" "$(find backups -name '*.tar*' 2>/dev/null | wc -l)" 0
stays_off
