#!/bin/sh
# A private PostgreSQL cluster on a unix socket, for tests and demos.
#   cluster.sh start DIR     makes DIR (or takes an empty one), starts the server; the socket's folder is DIR/s, the role postgres
#   cluster.sh stop DIR      ends it (immediately) and removes DIR
#   cluster.sh crash DIR     ends it immediately, as a crash would, and keeps DIR
#   cluster.sh restart DIR   starts it again after crash
#   cluster.sh standby DIR PRIMARY   makes a hot standby of the cluster in PRIMARY, with its own socket's folder DIR/s
# The server runs as an unprivileged user, since initdb refuses root. BELAY_PG_BIN picks another server's bin folder.
# Extra lines for postgresql.conf come from CLUSTER_CONF.
set -eu

bin=${BELAY_PG_BIN:-$(for d in /usr/lib/postgresql/*/bin; do [ -x "$d/initdb" ] && echo "$d"; done | sort -V | tail -n 1)}
action=${1:-}
dir=${2:-}
if [ -z "$dir" ]; then
    echo "usage: cluster.sh start|stop|crash|restart DIR, or standby DIR PRIMARY" >&2
    exit 2
fi
if [ -z "$bin" ]; then
    echo "cluster.sh: no PostgreSQL server under /usr/lib/postgresql; install the packages of scripts/packages" >&2
    exit 1
fi

server_user=postgres
id "$server_user" >/dev/null 2>&1 || server_user=nobody

as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid "$server_user" --regid "$(id -g "$server_user")" --clear-groups env HOME="$dir" "$@"
    else
        env HOME="$dir" "$@" # what carries the caller's own counts as left over (nothing_left)
    fi
}

launch() {
    as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 start >"$dir/start.log" 2>&1 </dev/null || {
        cat "$dir/start.log" "$dir/server.log" >&2
        exit 1
    }
}

halt() {
    if [ -f "$dir/data/postmaster.pid" ]; then
        cd "$dir"
        as_server "$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 30 stop >/dev/null 2>&1 || true
    fi
}

case $action in
start)
    mkdir -p "$dir"
    if [ "$(id -u)" -eq 0 ]; then
        chown "$server_user" "$dir"
    fi
    chmod 755 "$dir"
    cd "$dir"
    as_server "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 </dev/null || {
        cat "$dir/initdb.log" >&2
        exit 1
    }
    as_server mkdir -p "$dir/s"
    as_server chmod 777 "$dir/s"
    as_server tee -a "$dir/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$dir/s'
fsync = off
dynamic_shared_memory_type = mmap
shared_buffers = 64MB
max_connections = 60
wal_level = logical
log_line_prefix = '%m [%p] %q%a %d '
${CLUSTER_CONF:-}
CONF
    launch
    ;;
stop)
    halt
    rm -rf "$dir"
    ;;
crash)
    halt
    ;;
restart)
    cd "$dir"
    launch
    ;;
standby)
    mkdir -p "$dir"
    if [ "$(id -u)" -eq 0 ]; then
        chown "$server_user" "$dir"
    fi
    chmod 755 "$dir"
    cd "$dir"
    as_server "$bin/pg_basebackup" -D "$dir/data" -h "$3/s" -U postgres -R -c fast --no-sync >"$dir/basebackup.log" 2>&1 </dev/null || {
        cat "$dir/basebackup.log" >&2
        exit 1
    }
    as_server mkdir -p "$dir/s"
    as_server chmod 777 "$dir/s"
    echo "unix_socket_directories = '$dir/s'" | as_server tee -a "$dir/data/postgresql.conf" >/dev/null
    launch
    ;;
*)
    echo "usage: cluster.sh start|stop|crash|restart DIR, or standby DIR PRIMARY" >&2
    exit 2
    ;;
esac
