#!/bin/bash
# `belay logs`: the application's log files, here and on hosts, through rotation and lost connections; and what a run keeps of them.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
start_cluster
bank_project
start_sshd app1
start_sshd app2
mkdir "$WORK/app1" "$WORK/app2" "$WORK/my logs"

# start_logs ARGUMENTS...: in the background; end_logs STATUS sends it a Ctrl-C.
start_logs() {
    LAST="belay logs $* (in the background)"
    "$BELAY" logs "$@" >"$OUT" 2>"$ERR" </dev/null &
    run_pid=$!
}
end_logs() {
    kill -INT "$run_pid"
    end_deploy "$1"
}
said() { grep -qxF -- "$1" "$OUT"; }

begin "without logs there is nothing to follow"
two_hosts ""
belay 2 logs --no-follow
err_has "target dev names no logs"

begin "the last lines of a file here, with a name that the shell would take apart"
seq 100 >"$WORK/my logs/it's \$HOME.log"
two_hosts "logs = $WORK/my logs/it's \$\$HOME.log"
belay 0 logs --no-follow
out_is "$(seq 91 100)"
belay 0 logs dev -n 2 --no-follow
out_is "$(printf '99\n100')"
belay 0 logs -n 0 --no-follow
out_is ""
belay 0 logs -n 1 --no-follow --json
json_is ok true
json_is logs.0.host null
json_is logs.0.lines '["100"]'
belay 2 logs --json
json_is error.code usage
belay 2 logs -n some
err_has "--lines takes a number"

begin "a file that is not there fails the one and not the other"
two_hosts "logs = app1:$WORK/app1/none.log, $WORK/my logs/it's \$\$HOME.log"
belay 1 logs -n 1 --no-follow
out_is "local: 100"
err_has "log app1:$WORK/app1/none.log"
err_has "No such file"

begin "what is no file has no lines, and no end"
mkfifo "$WORK/app1/pipe"
for path in "$WORK/app1/pipe" "$WORK/app1" /dev/zero; do
    two_hosts "logs = app1:$path, $path"
    belay 1 logs --no-follow
    err_has "log app1:$path"
    err_has "local: it is no regular file"
    belay 1 logs
done
nothing_left

begin "a host's file is followed: what is there, what is written, and what comes after a rotation; Ctrl-C ends it with 0"
seq 20 >"$WORK/app1/bank.log"
two_hosts "logs = app1:$WORK/app1/bank.log"
start_logs -n 3
wait_until said 20
echo "no newline yet" >>"$WORK/app1/bank.log"
wait_until said "no newline yet"
mv "$WORK/app1/bank.log" "$WORK/app1/bank.log.1"
echo "after rotation" >"$WORK/app1/bank.log"
wait_until said "after rotation"
end_logs 0
out_is "$(printf '18\n19\n20\nno newline yet\nafter rotation')"
nothing_left

begin "several: each line begins with its host, and with the file's name where a host has two"
echo one >"$WORK/app1/bank.log"
echo two >"$WORK/app2/bank.log"
echo three >"$WORK/app2/worker.log"
two_hosts "logs =
  app1:$WORK/app1/bank.log
  app2:$WORK/app2/bank.log
  app2:$WORK/app2/worker.log
  $WORK/my logs/it's \$\$HOME.log"
start_logs -n 1
wait_until said "app1: one"
wait_until said "app2:bank.log: two"
wait_until said "app2:worker.log: three"
wait_until said "local: 100"
for i in $(seq 1 500); do echo "b $i" >>"$WORK/app2/bank.log"; done
wait_until said "app2:bank.log: b 500"
equals "the order of a file's lines" "$(grep -o 'b [0-9]*$' "$OUT" | md5sum)" "$(seq -f 'b %g' 500 | md5sum)"
end_logs 0
nothing_left

begin "a connection that is lost is made again, and not a line is missed or told twice"
start_link wire 127.0.0.1 "${SSH_PORT[app1]}"
ssh_alias by_wire app1 "Port ${LINK_PORT[wire]}" "HostKeyAlias [127.0.0.1]:${SSH_PORT[app1]}"
two_hosts "logs = app1:$WORK/app1/bank.log"
sed -i 's/^ssh = app1/ssh = by_wire/' belay.ini
printf 'before\n' >"$WORK/app1/bank.log"
start_logs
wait_until said before
echo first >>"$WORK/app1/bank.log"
wait_until said first
link wire cut
echo meanwhile >>"$WORK/app1/bank.log"
wait_until said meanwhile
err_has "connecting again in 1 s"
stop_sshd app1
wait_until grep -q "connecting again in 2 s" "$ERR"
printf 'down\n' >>"$WORK/app1/bank.log"
restart_sshd app1
wait_until said down
end_logs 0
out_is "$(printf 'before\nfirst\nmeanwhile\ndown')"
nothing_left

begin "a file that comes later, and a host that is nobody's friend"
rm "$WORK/app2/bank.log"
two_hosts "logs = app2:$WORK/app2/bank.log, app1:$WORK/app1/bank.log"
ssh_alias stranger app1 "IdentityFile $HOME/.ssh/id_stranger" "IdentitiesOnly yes"
sed -i 's/^ssh = app1/ssh = stranger/' belay.ini
start_logs -n 5
wait_until grep -q "app1: log app1:" "$ERR"
echo late >"$WORK/app2/bank.log"
wait_until said "app2: late"
end_logs 1
err_has "stranger"
nothing_left

begin "who reads has had enough"
two_hosts "logs = app2:$WORK/app2/bank.log"
set +o pipefail
"$BELAY" logs -n 1 2>"$ERR" </dev/null | head -n 1 >"$OUT" &
pipe=$!
set -o pipefail
wait_until said late
echo more >>"$WORK/app2/bank.log"
wait "$pipe" || true
err_lacks "cannot be written"
nothing_left
# Nothing is written any more: it has to be noticed all the same.
set +o pipefail
"$BELAY" logs -n 1 2>"$ERR" </dev/null | head -n 1 >"$OUT"
set -o pipefail
said more
nothing_left

begin "a run keeps what the logs said from the start of the application until its health was known"
fresh
pending_good
printf 'long ago\n' >"$WORK/app1/bank.log"
rm -f "$WORK/app2/bank.log"
two_hosts "logs = app1:$WORK/app1/bank.log, app2:$WORK/app2/bank.log, $WORK/app1/gone.log
stop_command = echo stopping; echo stopped >>$WORK/app1/bank.log
stop_command_on = app1
start_command = echo started >>$WORK/app1/bank.log
start_command_on = app1
health_command = printf 'asked\nno newline' >>$WORK/app2/bank.log; test -e $WORK/well"
touch "$WORK/well"
run_json 0 deploy --json
id=$(json run)
kept=backups/dev/runs/$id/logs
equals "what app1 said" "$(cat "$kept/1-app1-bank.log")" started
equals "what app2 said" "$(cat "$kept/2-app2-bank.log")" "$(printf 'asked\nno newline')"
[ -e "$kept/3-local-gone.log" ] && [ ! -s "$kept/3-local-gone.log" ] || fail "a log that is not there said something"
belay 0 report
out_has "$kept/1-app1-bank.log"
out_has "backups/dev/runs/$id/commands.log"
belay 0 report --json
json_is logs.length 3
tidy

begin "of a log that says a lot the last part is kept; an application that is unwell is what one wants to read of"
fresh
pending_good
rm "$WORK/well"
sed -i "s|^start_command = .*|start_command = seq 400000 >>$WORK/app1/bank.log|; s|^health_command|health_retries = 0\nhealth_command|" belay.ini
run_json 5 deploy --json
kept=backups/dev/runs/$(json run)/logs/1-app1-bank.log
[ "$(stat -c %s "$kept")" -le 1048900 ] || fail "$(stat -c %s "$kept") bytes are kept"
equals "its end" "$(tail -n 1 "$kept")" 400000
head -n 1 "$kept" | grep -q 'bytes before these are left out' || fail "it does not say that there was more"

begin "with encrypt_to it is encrypted as snapshots are, and nothing of it is in the store in plain"
fresh
pending_good
touch "$WORK/well"
"$BELAY" key new "$WORK/identity.txt" >"$WORK/recipient" 2>"$ERR"
cp belay.ini plain.ini
sed -i "s|^health_retries|encrypt_to = $(grep -o 'age1[a-z0-9]*' "$WORK/recipient" | head -n 1)\nidentity = $WORK/identity.txt\nhealth_retries|; s|seq 400000|echo the secret of row 7|" belay.ini
run_json 0 deploy --json
kept=backups/dev/runs/$(json run)/logs/1-app1-bank.log
[ ! -e "$kept" ] && [ -e "$kept.age" ] || fail "it is not encrypted: $(ls "${kept%/*}")"
equals "files that have it" "$(grep -rl "the secret of row 7" backups | wc -l)" 0
head -c 21 "$kept.age" | grep -qx "age-encryption.org/v1" || fail "it is no file of age"
if type -P age >/dev/null; then equals "what age says" "$(age -d -i "$WORK/identity.txt" "$kept.age")" "the secret of row 7"; fi
belay 0 report
out_has "$kept.age"
tidy
mv plain.ini belay.ini

begin "a log that cannot be read is told, and changes nothing"
fresh
pending_good
touch "$WORK/well"
stop_sshd app2
run_json 0 deploy --json
err_has "not kept: log app2:$WORK/app2/bank.log"
err_has "warning: hosts: host app2"
restart_sshd app2
nothing_left backups
