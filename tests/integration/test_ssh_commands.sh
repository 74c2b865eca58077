#!/bin/bash
# Commands on other hosts: status, signal, deadline, Ctrl-C and a lost connection; in order and at once; what of them is seen
# over there, and what is left.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
start_cluster
bank_project
start_sshd app1
start_sshd app2
said=$WORK/said
export said

# over_there NAME TEXT: pids of commands of the server NAME with TEXT in their command line, but for those who ask.
over_there() {
    local pid
    for pid in $(sshd_commands "$1"); do
        if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$2"; then echo "$pid"; fi
    done
}
runs_there() { [ -n "$(over_there "$@")" ]; }
gone_there() { [ -z "$(over_there "$@")" ]; }
# untouched: nothing was migrated.
untouched() {
    json_is outcome untouched
    same_as_before
    tidy
}

begin "stop and start on two hosts, in the order written; their words in the story and in the run's folder"
fresh
pending_good
two_hosts "stop_command = echo stopping; echo \"\$(date +%s%N) stop \$BELAY_TEST_SSHD\" >>$said; echo with words on stderr >&2
stop_command_on = app1, app2
start_command = echo \"\$(date +%s%N) start \$BELAY_TEST_SSHD\" >>$said
start_command_on = app2, app1"
run_json 0 deploy --json
json_is outcome succeeded
equals "the order" "$(sort -n "$said" | cut -d' ' -f2- | sed "s|$WORK/sshd-||" | paste -sd,)" "stop app1,stop app2,start app2,start app1"
err_has "  app1: stop_command: stopping"
err_has "  app2: stop_command: stopping"
err_has "  app2: stop_command: with words on stderr"
log=$(newest backups commands.log)
grep -q 'Z app2 stop_command: with words on stderr$' "$log" || fail "the run's folder does not have it: $(cat "$log")"
nothing_left backups

begin "the second host fails: the run names it, its status and what ran where, starts the application again, and is untouched"
fresh
pending_good
: >"$said"
two_hosts "stop_command = echo \"stop \$BELAY_TEST_SSHD\" >>$said; case \$BELAY_TEST_SSHD in *app2) exit 3 ;; esac
stop_command_on = app1, app2
start_command = echo \"start \$BELAY_TEST_SSHD\" >>$said
start_command_on = app1, app2"
run_json 1 deploy --json
json error.message | grep -F "stop_command on app2 ended with status 3" >/dev/null || fail "host and status are not named"
json error.detail | grep -F "app1: done; app2: failed" >/dev/null || fail "what ran where is not told"
equals "what ran" "$(sed "s|$WORK/sshd-||" "$said" | paste -sd,)" "stop app1,stop app2,start app1,start app2"
untouched

begin "a signal is told apart from a status"
fresh
two_hosts 'stop_command = kill -USR1 $$
stop_command_on = app1'
pending_good
run_json 1 deploy --json
json error.message | grep -F "stop_command on app1 was ended by signal USR1" >/dev/null || fail "the signal is not named"
untouched
two_hosts 'stop_command = sh -c "kill -KILL \$\$"; exit 143
stop_command_on = app1'
run_json 1 deploy --json
json error.message | grep -F "stop_command on app1 ended with status 143" >/dev/null || fail "the status is not named"
untouched

begin "every byte of the command's text arrives, and nothing of it is visible before its shell expands it"
two_hosts 'stop_command = printf "%s|" "it'"'"'s" \"a\" `echo b` $((1 + 1)) "\\" "!x" "$SECRET_NAME" "ü" "%d" >'"$WORK/text"'
  # a comment of the second line
  printf "%s" end >>'"$WORK/text"'
stop_command_on = app1'
fresh
pending_good
SECRET_NAME="of belay's environment" run_json 0 deploy --json
equals "the text" "$(cat "$WORK/text")" "it's|\"a\"|b|2|\\|!x||ü|%d|end"

begin "both at once: they wait for each other"
fresh
pending_good
two_hosts "hosts_at_once = 2
stop_command = touch $WORK/met\$(basename \$BELAY_TEST_SSHD); for i in \$(seq 200); do ls $WORK/metsshd-app1 $WORK/metsshd-app2 && exit 0; sleep 0.1; done; exit 5
stop_command_on = app1, app2"
run_json 0 deploy --json
json_is outcome succeeded

begin "the time is over: everything of the command is ended over there, what ignores SIGTERM, too"
fresh
pending_good
two_hosts "command_timeout = 2s
stop_command = trap '' TERM; (trap '' TERM; exec sleep 987601) & sleep 987602; sleep 987603
stop_command_on = app1"
run_json 1 deploy --json
json_is error.code deadline
json error.message | grep -F "app1" >/dev/null || fail "the host is not named"
json error.message | grep -F "did not end within 2000 ms" >/dev/null || fail "the time is not named"
untouched
nothing_left backups
two_hosts "command_timeout = 1s
stop_command = sleep 987604"
run_json 1 deploy --json
json_is error.code deadline
untouched

begin "Ctrl-C: the command is ended over there, the run is untouched"
two_hosts "stop_command = sleep 987605
stop_command_on = app1
start_command = echo started >$WORK/started
start_command_on = app1"
start_deploy deploy --json
wait_until runs_there app1 "sleep 987605"
kill -INT "$run_pid"
end_deploy 1
json_is error.code cancelled
untouched
gone_there app1 "sleep 987605" || fail "the command runs still when belay has ended"
test -e "$WORK/started" || fail "the application was not started again"
nothing_left backups

begin "the connection is cut while a command runs: it is ended over there, the run says what happened"
start_link wire 127.0.0.1 "${SSH_PORT[app1]}"
ssh_alias by_wire app1 "Port ${LINK_PORT[wire]}" "HostKeyAlias [127.0.0.1]:${SSH_PORT[app1]}"
two_hosts "stop_command = sleep 987606
stop_command_on = app1
start_command = true
start_command_on = app2"
sed -i 's/^ssh = app1/ssh = by_wire/' belay.ini
start_deploy deploy --json
wait_until runs_there app1 "sleep 987606"
link wire cut
end_deploy 1
json_is error.code ssh_lost
untouched
nothing_left backups

begin "the sshd of the session is killed while a command runs: that is no status 0"
sed -i 's/^ssh = by_wire/ssh = app1/' belay.ini
start_deploy deploy --json
wait_until runs_there app1 "sleep 987606"
kill_sshd_sessions app1
end_deploy 1
json_is error.code ssh_lost
untouched
wait_until gone_there app1 "sleep 987606"
nothing_left backups

begin "a server that ends a command without telling a status is not believed to have done it"
LC_ALL=C sed 's/exit-status/exit-stitus/' "$ssh_sshd" >"$WORK/bin/mute_sshd"
chmod 755 "$WORK/bin/mute_sshd"
ssh_sshd=$WORK/bin/mute_sshd start_sshd mute
two_hosts "stop_command = echo \"stop \$BELAY_TEST_SSHD\" >$WORK/stopped_there
stop_command_on = app1
start_command = true
start_command_on = app2"
sed -i 's/^ssh = app1/ssh = mute/' belay.ini
run_json 1 deploy --json
json error.message | grep -F "mute: the server did not tell how a command ended" >/dev/null || fail "it is not told"
json_is error.code ssh_lost
equals "what ran" "$(cat "$WORK/stopped_there")" "stop $WORK/sshd-mute"
untouched
stop_sshd mute
two_hosts "stop_command = sleep 987606
stop_command_on = app1
start_command = true
start_command_on = app2"

begin "belay is killed while a command runs: it is ended over there"
start_deploy deploy --json
wait_until runs_there app1 "sleep 987606"
kill -KILL "$run_pid"
end_deploy 137
nothing_left
belay 0 recover --json
same_as_before

begin "a daemon that start_command leaves behind lives on, and nobody waits for it, also where it keeps the output open"
fresh
pending_good
two_hosts "stop_command = true
stop_command_on = app1
start_command = echo now; sleep 987607 & sleep 987608 >/dev/null 2>&1 & echo last
start_command_on = app1"
begun=$SECONDS
run_json 0 deploy --json
[ $((SECONDS - begun)) -lt 60 ] || fail "belay waited for a daemon"
err_has "app1: start_command: last"
sleep 6 # longer than a watcher has patience: what it would do it would have done
runs_there app1 "sleep 987607" && runs_there app1 "sleep 987608" || fail "a daemon is gone"
mapfile -t daemons < <(over_there app1 "sleep 98760")
kill "${daemons[@]}"
nothing_left backups

begin "a lot of output, and its last line"
fresh
pending_good
two_hosts "stop_command = seq 100000; printf 'no newline'; exit 4
stop_command_on = app1"
belay 1 deploy
err_has "  app1: stop_command: 100000"
err_has "  app1: stop_command: no newline"
equals "the lines" "$(grep -c 'app1: stop_command: [0-9]*$' "$ERR")" 100000
[ "$(stat -c %s "$(newest backups commands.log)")" -le 1048700 ] || fail "the run's folder has more than 1 MiB of it"
tail -n 1 "$(newest backups commands.log)" | grep -q 'what follows is not kept' || fail "it does not say that there was more"

begin "secrets are in no command line, over there or here"
# Others on this machine may have the words of ssh_lib.sh in theirs.
phrase="phrase of $$ $RANDOM"
password=password-of-$$-$RANDOM
ssh-keygen -q -t ed25519 -N "$phrase" -f "$HOME/.ssh/id_own"
cat "$HOME/.ssh/id_own.pub" >>"$WORK/sshd-app2/authorized_keys"
ssh_alias locked app2 "IdentityFile $HOME/.ssh/id_own" "IdentitiesOnly yes"
fresh
pending_good
two_hosts "password = $password
stop_command = ps -eww -o args= >$WORK/ps; tr '\\0' '\\n' </proc/\$\$/environ >$WORK/env; sleep 1
stop_command_on = app2"
sed -i "/^\[host.app2\]/,\$ { s|^ssh = app2|ssh = locked\nssh_key = $HOME/.ssh/id_own\nssh_passphrase = \${THE_PHRASE}| }" belay.ini
THE_PHRASE=$phrase run_json 0 deploy --json
if grep -F -e "$phrase" -e "$password" "$WORK/ps" "$WORK/env"; then fail "a secret is shown"; fi
grep -qF 'ps -eww -o args=' "$WORK/ps" && grep -q '^SSH_CONNECTION=' "$WORK/env" || fail "that shows nothing at all"

begin "a key that only the agent has"
start_agent id_ecdsa
ssh_alias by_agent app1 "IdentityFile $HOME/.ssh/none" "IdentityAgent $SSH_AUTH_SOCK"
fresh
pending_good
two_hosts "stop_command = echo by the agent
stop_command_on = app1"
sed -i 's/^ssh = app1/ssh = by_agent/' belay.ini
run_json 0 deploy --json
err_has "app1: stop_command: by the agent"
stop_agent

begin "a host that is not reached, or is not who it was: refused before anything is done"
fresh
pending_good
two_hosts "stop_command = echo stopped >$WORK/stopped
stop_command_on = app1, app2"
stop_sshd app2
run_json 3 deploy --json
json error.message | grep -F "host app2" >/dev/null || fail "the host is not named"
restart_sshd app2
change_host_keys app2
run_json 3 deploy --json
json error.message | grep -F "host app2" >/dev/null || fail "the host is not named"
json error.message | grep -F "SHA256:" >/dev/null || fail "the key is not shown"
belay 3 preflight --json
[ ! -e "$WORK/stopped" ] || fail "the application was stopped"
same_as_before
tidy
trust_sshd app2

begin "a host that goes between two: what ran on the first is told, the application is started again"
two_hosts "stop_command = case \$BELAY_TEST_SSHD in *app1) kill -KILL ${sshd_pids[app2]} ;; esac
stop_command_on = app1, app2
start_command = echo started >$WORK/started2
start_command_on = app1"
run_json 1 deploy --json
json error.message | grep -F "stop_command: host app2" >/dev/null || fail "the host is not named"
json error.detail | grep -F "app1: done; app2: failed" >/dev/null || fail "what ran where is not told"
test -e "$WORK/started2" || fail "the application was not started again"
untouched
stop_sshd app2
restart_sshd app2

begin "pull_command brings the files that the plan is made of; its failure leaves everything as it is"
fresh
pending_good
mv migrations/*bbbb00000002* "$WORK/latest.sql"
two_hosts "pull_command = echo pulling; cp $WORK/latest.sql migrations/20260101_0000_bbbb00000002_add_notes.sql"
run_json 0 deploy --json
json_is to.0 bbbb00000002
err_has "  pull_command: pulling"
grep -q ' - pull_command: pulling$' "$(newest backups commands.log)" || fail "the run's folder lacks what pull_command said"
fresh
pending_good
two_hosts "pull_command = echo no network >&2; exit 9
pull_command_on = app1"
run_json 1 deploy --json
json_is outcome untouched
json error.message | grep -F "pull_command on app1 ended with status 9" >/dev/null || fail "the status is not named"
err_has "  app1: pull_command: no network"
same_as_before
tidy

begin "pull_command brings another belay.ini: what changes nothing for the target is no matter, the rest refuses"
fresh
pending_good
two_hosts "pull_command = sed -i 's/^dbname/; pulled\n&/' belay.ini; printf '\\n[target.other]\\nhost = h\\ndbname = d\\n' >>belay.ini
stop_command = true
stop_command_on = app1"
run_json 0 deploy --json
grep -q '^; pulled' belay.ini || fail "belay.ini was not changed"
# changes KEY SED-EXPRESSION: pull_command with it refuses, and names that key.
changes() {
    fresh
    pending_good
    two_hosts "pull_command = sed -i '$2' belay.ini
stop_command = true
stop_command_on = app1"
    run_json 3 deploy --json
    json_is outcome refused
    json error.message | grep -F "pull_command brought another configuration of target dev: $1 has changed" >/dev/null ||
        fail "the key is not named: $(json error.message)"
    same_as_before
    tidy
}
changes stop_command 's/^stop_command = true$/stop_command = false/'
changes "ssh of [host.app1]" 's/^ssh = app1$/ssh = app2/'
changes sslmode 's/^dbname = .*/&\nsslmode = prefer/'
fresh
pending_good
two_hosts "pull_command = sed -i 's/^gate = rename/on_failure = gone/' belay.ini"
run_json 2 deploy --json
json error.message | grep -F "after pull_command" >/dev/null || fail "it is not said when"
same_as_before

begin "health over there: what it says is shown, and a host that cannot be asked is no reason to go back"
fresh
pending_good
two_hosts "health_command = echo not yet; test -e $WORK/well || { touch $WORK/well; exit 7; }
health_command_on = app1, app2
health_timeout = 20s"
run_json 0 deploy --json
err_has "health_command on app1 ended with status 7"
err_has "healthy after"
fresh
pending_good
two_hosts "health_command = echo it is down; exit 7
health_command_on = app2, app1
health_retries = 0
on_unhealthy = restore
accept_loss = yes"
run_json 4 deploy --json
json error.detail | grep -F "app2: it is down" >/dev/null || fail "what the command said is not shown"
json error.message | grep -F "unhealthy after 1 try" >/dev/null || fail "the tries are not counted"
same_as_before
fresh
pending_good
sed -i "s/^health_command = .*/&\nstop_command = kill -KILL ${sshd_pids[app2]}/" belay.ini
run_json 5 deploy --json
json_is outcome stopped
json_is error.code ssh
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
stop_sshd app2
restart_sshd app2

begin "a host that falls silent while it is asked is not called unhealthy"
fresh
pending_good
two_hosts "health_command = kill -STOP \$PPID; sleep 60
health_command_on = app1
health_retries = 0
on_unhealthy = restore
accept_loss = yes"
run_json 5 deploy --json
json_is outcome stopped
json_is error.code ssh_lost
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
thaw_sshd app1
wait_until gone_there app1 "sleep 60"
nothing_left backups
