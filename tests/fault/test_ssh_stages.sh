#!/bin/bash
# A deploy whose server is behind a tunnel and whose store is on another host: at every KILL_STRIDE-th journal record (default 6) the
# sshds' sessions are killed, in every second round with a server that takes no new ones for two seconds; and at each record of the
# swap of a restore. Whatever the run makes of it, `recover` at once leaves what its outcome says, and nothing else on either side.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
stride=${KILL_STRIDE:-6}
start_sshd database
start_sshd vault
port=$((20000 + RANDOM % 10000))
CLUSTER_CONF="listen_addresses = '127.0.0.1'
port = $port" start_cluster
export PGPORT=$port

# lib.sh's, with the server and the store behind SSH. The test itself goes by the socket and the folder.
eval "$(declare -f write_project | sed '1s/write_project/write_near_project/')"
write_project() {
    write_near_project "$@"
    sed -i "s|^host = .*|host = 127.0.0.1\nport = $PGPORT\nssh = database|; s|^path = .*|url = sftp://vault$WORK/project/backups|" belay.ini
}

cat >"$WORK/cut" <<CUT
#!/bin/sh
[ "\$1" != away ] || kill -STOP ${sshd_pids[database]} ${sshd_pids[vault]}
pkill -KILL -P ${sshd_pids[database]}
pkill -KILL -P ${sshd_pids[vault]}
[ "\$1" != away ] || (sleep 2; kill -CONT ${sshd_pids[database]} ${sshd_pids[vault]}) >/dev/null 2>&1 &
exit 0
CUT
chmod 755 "$WORK/cut"

# cut_at N [away]
cut_at() {
    begin "$kind: SSH was cut at record $1 of $records${2:+, and away for two seconds}"
    kill_fresh
    : >"$WORK/journals"
    KILLER_AT=$1 KILLER_CMD="env -u KILL_MARK '$WORK/cut' ${2:-}" LD_PRELOAD=$KILLER kill_run "${KILL_COMMAND[@]}"
    case $status in
    0 | 1 | 3 | 4 | 5) ;;
    *) fail "it ended with status $status" ;;
    esac
    echo "  it ended with status $status"
    wait_until answers
    kill_recover
    nothing_left "$TMPDIR"
}
answers() {
    ssh -o ConnectTimeout=5 database true 2>/dev/null && ssh -o ConnectTimeout=5 vault true 2>/dev/null
}

for each in succeeding restoring; do
    kill_project "$each"
    swaps=$(sed -n '/"act":"swap"/=' "$(newest backups journal.ndjson)")
    equals "moments of the journal" "$(wc -l <"$(newest backups journal.ndjson)")" "$records"
    offset=${KILL_OFFSET:-$RANDOM} tried=0
    begin "$each (KILL_OFFSET=$offset)"
    for n in $(seq "$((1 + offset % stride))" "$stride" "$records"); do
        away=
        tried=$((tried + 1))
        if [ "$((tried % 2))" -eq 0 ]; then away=away; fi
        cut_at "$n" "$away"
    done
    if [ "$each" = restoring ]; then
        [ "$(wc -l <<<"$swaps")" -ge 2 ] || fail "the journal tells nothing of a swap: $swaps"
        for n in $swaps; do cut_at "$n" away; done
    fi
    kill_next
done
