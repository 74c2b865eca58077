#!/bin/bash
# Pre-flight with a hot standby and a slot whose consumer is gone: their lag is told, and the standby itself is no target.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/preflight_lib.sh"
start_cluster
preflight_project
bin=$(dirname "$(readlink "/proc/$(head -n 1 "$WORK/pg/data/postmaster.pid")/exe" || command -v postgres)")

as_server() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid "$(stat -c %u "$WORK/pg/data")" --regid "$(stat -c %g "$WORK/pg/data")" --clear-groups env HOME="$WORK" "$@"
    else
        "$@"
    fi
}

# start_standby: $WORK/standby, streaming from $WORK/pg through a slot of its own
start_standby() {
    mkdir "$WORK/standby"
    [ "$(id -u)" != 0 ] || chown "$(stat -c %U "$WORK/pg/data")" "$WORK/standby"
    (cd "$WORK/standby" && as_server mkdir -m 777 s && as_server "$bin/pg_basebackup" -h "$PGHOST" -U postgres \
        -D "$WORK/standby/data" -R -C -S standby_slot -X stream -c fast) || fail "no base backup"
    echo "unix_socket_directories = '$WORK/standby/s'" >>"$WORK/standby/data/postgresql.conf"
    clusters+=(standby)
    restart_cluster standby
}

# more_wal SEGMENTS: of 16 MB each
more_wal() {
    local i
    for ((i = 0; i < $1; i++)); do
        sql postgres "SELECT pg_logical_emit_message(false, 'test', 'x')" "SELECT pg_switch_wal()" >/dev/null
    done
}

start_standby
streams() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")" = 1 ]; }
wait_until streams

begin "a standby that keeps up is fine"
belay 0 preflight --json --standbys=keep
equals "check standbys" "$(verdict standbys)" ok

begin "a standby that lags"
PGHOST=$(cluster_host standby) sql postgres "SELECT pg_wal_replay_pause()"
more_wal 6
lags() { [ "$(sql postgres "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > 67108864 FROM pg_stat_replication")" = t ]; }
wait_until lags
belay 0 preflight --json --standbys=keep
finding warn standbys "MB behind" "replays"

begin "the standby itself is no target"
sed "s|^host = .*|host = $(cluster_host standby)|" belay.ini >standby.ini
belay 3 preflight -c standby.ini --json --standbys=keep
finding refuse standbys "the server is a standby" "point the target at the primary"
belay 3 deploy -c standby.ini --standbys=keep
sql_is bank "SELECT version_num FROM alembic_version" a1

begin "the standby is gone: its slot holds back WAL"
crash_cluster standby
left() { [ "$(sql postgres "SELECT active FROM pg_replication_slots WHERE slot_name = 'standby_slot'")" = f ]; }
wait_until left
belay 0 preflight --json --standbys=keep
equals "check standbys" "$(verdict standbys)" ok
more_wal 17
belay 0 preflight --json --standbys=keep
finding warn standbys "replication slot standby_slot holds back" "consumer"
sql postgres "SELECT pg_drop_replication_slot('standby_slot')" >/dev/null
belay 0 preflight --json --standbys=keep
equals "check standbys" "$(verdict standbys)" ok
