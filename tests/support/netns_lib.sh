# shellcheck shell=bash
# Hosts of a test's own, as network namespaces with an sshd each; sourced after ssh_lib.sh. Skips the test, aloud, where
# namespaces are not allowed.
#
#     three_hosts                       # ci -- app -- database; nothing is routed: ci reaches database through app's sshd only
#     on ci ssh database true           # a jump over app, see below
#     start_host_cluster database       # PostgreSQL there; ${HOST_ADDRESS[database]}:5432, trusts app
#     belay_on ci 0 deploy              # lib.sh's belay, on that host
#
# Aliases for ssh: `app`, and `database`, which says ProxyJump app. All hosts share the file system, users and $HOME;
# what a host keeps by itself is in $WORK/host-NAME. Addresses are the same in every test, names (belay-PID-HOST) are not, so
# tests run side by side. Everything in a host's namespace is killed at the end, and the namespace removed.
declare -gA HOST_ADDRESS=()
netns_hosts=()
netns_clusters=()

netns_of() {
    echo "belay-$$-$1"
}

# on HOST COMMAND...: runs it there. In the background $! is a shell's pid, not the command's: what is to be killed is started as
# ip netns exec "$(netns_of HOST)" COMMAND... &, and belay as "$WORK/host-HOST/belay" ... &, which become the command itself.
on() {
    local host=$1
    shift
    ip netns exec "$(netns_of "$host")" "$@"
}

# belay_on HOST STATUS ARGUMENTS...: $WORK/host-HOST/belay is the program there.
belay_on() {
    local host=$1 program=$BELAY
    shift
    BELAY=$WORK/host-$host/belay
    belay "$@"
    BELAY=$program
}

# make_host NAME: alone, with a loopback interface, and without forwarding.
make_host() {
    local ns
    ns=$(netns_of "$1")
    ip netns add "$ns"
    netns_hosts+=("$1")
    ip -n "$ns" link set lo up
    ip netns exec "$ns" sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
    mkdir -p "$WORK/host-$1"
    printf '#!/bin/sh\nexec ip netns exec %q %q "$@"\n' "$ns" "$BELAY" >"$WORK/host-$1/belay"
    chmod 755 "$WORK/host-$1/belay"
}

# wire_hosts A ADDRESS B ADDRESS: a cable between two hosts, of a /24 net. The first address of a host is its HOST_ADDRESS.
wire_hosts() {
    local a b
    a=$(netns_of "$1")
    b=$(netns_of "$3")
    ip -n "$a" link add name "to-$3" type veth peer name "to-$1" netns "$b"
    ip -n "$a" addr add "$2/24" dev "to-$3"
    ip -n "$b" addr add "$4/24" dev "to-$1"
    ip -n "$a" link set "to-$3" up
    ip -n "$b" link set "to-$1" up
    : "${HOST_ADDRESS[$1]:=$2}" "${HOST_ADDRESS[$3]:=$4}"
}

# cut_wire A B, mend_wire A B: what A sends to B is lost without a word, new connections too, until it is mended. (B's own end is down.)
cut_wire() {
    ip -n "$(netns_of "$2")" link set "to-$1" down
}
mend_wire() {
    ip -n "$(netns_of "$2")" link set "to-$1" up
}

# host_sshd HOST [OPTION VALUE]...: start_sshd on all of its addresses, port 22.
host_sshd() {
    local host=$1
    shift
    start_sshd "$host" --namespace "$(netns_of "$host")" --address "${HOST_ADDRESS[$host]}" --listen 0.0.0.0 --port 22 "$@"
}

three_hosts() {
    local host
    for host in ci app database; do make_host "$host"; done
    wire_hosts ci 10.77.1.1 app 10.77.1.2
    wire_hosts database 10.77.2.3 app 10.77.2.2
    for host in ci app database; do host_sshd "$host"; done
    ssh_alias database database "ProxyJump app"
}

# start_host_cluster HOST [NAME]: start_cluster NAME (default pg) on that host, listening on its address. PGHOST is its socket's
# folder, which the test's own psql reaches from everywhere.
start_host_cluster() {
    local host=$1 name=${2:-pg} net
    net=${HOST_ADDRESS[$host]%.*}.0/24
    clusters+=("$name")
    netns_clusters+=("$name")
    CLUSTER_CONF="${CLUSTER_CONF:-}
listen_addresses = '${HOST_ADDRESS[$host]}'" on "$host" "$BELAY_SOURCE/tests/support/cluster.sh" start "$WORK/$name" || fail "no test server"
    PGHOST=$(cluster_host "$name")
    export PGHOST PGPORT=5432 PGUSER=postgres
    echo "host all all $net trust" >>"$WORK/$name/data/pg_hba.conf"
    sql postgres "SELECT pg_reload_conf()" >"$WORK/host-$host/reload"
}

netns_cleanup() {
    local host ns pids name
    for name in ${netns_clusters[@]+"${netns_clusters[@]}"}; do
        "$BELAY_SOURCE/tests/support/cluster.sh" crash "$WORK/$name" 2>/dev/null
    done
    for host in ${netns_hosts[@]+"${netns_hosts[@]}"}; do
        ns=$(netns_of "$host")
        # A namespace lives as long as a process in it.
        mapfile -t pids < <(ip netns pids "$ns" 2>/dev/null)
        ssh_kill ${pids[@]+"${pids[@]}"}
        ip netns del "$ns"
    done
    netns_hosts=()
}

# Are namespaces with cables between them allowed?
netns_allowed() {
    local probe=belay-$$-probe status=0
    if [ "$(id -u)" -ne 0 ]; then
        echo "only root may"
        return 1
    fi
    type -P ip >"$WORK/ip" || { echo "no ip: iproute2 is not installed"; return 1; }
    ip netns add "$probe" || return 1
    ip -n "$probe" link add name left type veth peer name right || status=1
    ip netns exec "$probe" true || status=1
    ip netns del "$probe" || status=1
    return "$status"
}

# NETNS_OPTIONAL=1: who sources this makes do without, and looks at netns_are_allowed.
netns_are_allowed=1
netns_allowed >"$WORK/netns" 2>&1 || netns_are_allowed=
[ -n "$netns_are_allowed" ] || [ -n "${NETNS_OPTIONAL:-}" ] || skip "NETWORK NAMESPACES ARE NOT ALLOWED HERE; the three hosts of this test cannot be made: $(cat "$WORK/netns")"
at_end netns_cleanup
