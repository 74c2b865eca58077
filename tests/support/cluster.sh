#!/bin/sh
# A private PostgreSQL cluster on a unix socket, for tests and demos.
#   cluster.sh start DIR   makes DIR (must not exist), starts the server; the socket's folder is DIR/s, the role postgres
#   cluster.sh stop DIR    ends it (immediately) and removes DIR
# The server runs as an unprivileged user, since initdb refuses root. BELAY_PG_BIN picks another server's bin folder.
# Extra lines for postgresql.conf come from CLUSTER_CONF.
set -eu

bin=${BELAY_PG_BIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)}
action=$1
dir=$2

as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        user=postgres
        id "$user" >/dev/null 2>&1 || user=nobody
        setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups env HOME="$dir" "$@"
    else
        "$@"
    fi
}

case $action in
start)
    mkdir -p "$dir"
    if [ "$(id -u)" -eq 0 ]; then
        user=postgres
        id "$user" >/dev/null 2>&1 || user=nobody
        chown "$user" "$dir"
    fi
    chmod 755 "$dir"
    cd "$dir"
    as_server "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1
    as_server mkdir -p "$dir/s"
    as_server chmod 777 "$dir/s"
    as_server sh -c 'cat >>"$0"' "$dir/data/postgresql.conf" <<EOF
listen_addresses = ''
unix_socket_directories = '$dir/s'
fsync = off
shared_buffers = 64MB
max_connections = 60
wal_level = logical
log_line_prefix = '%m [%p] %q%a %d '
${CLUSTER_CONF:-}
EOF
    as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 start >"$dir/start.log" 2>&1 || {
        cat "$dir/start.log" "$dir/server.log" >&2
        exit 1
    }
    ;;
stop)
    if [ -f "$dir/data/postmaster.pid" ]; then
        cd "$dir"
        as_server "$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 30 stop >/dev/null 2>&1 || true
    fi
    rm -rf "$dir"
    ;;
*)
    echo "usage: cluster.sh start|stop DIR" >&2
    exit 2
    ;;
esac
