# shellcheck shell=bash
# SSH servers of a test's own, and links to them; sourced after lib.sh.
#
#     source "${BELAY_SOURCE:?}/tests/support/lib.sh"
#     source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
#     start_sshd database                          # 127.0.0.1, port ${SSH_PORT[database]}, user ${SSH_USER[database]}
#     start_sshd old --host-keys rsa --sftp "$SFTP_PLAIN"
#     ssh_alias far database "ProxyJump old"       # another name for it, with lines of ssh_config(5)
#     ssh far true
#     start_link slow 127.0.0.1 "${SSH_PORT[database]}" --delay-ms 50    # tests/support/link.c; port ${LINK_PORT[slow]}
#     ssh_alias slowly database "Port ${LINK_PORT[slow]}" "HostKeyAlias [127.0.0.1]:${SSH_PORT[database]}"
#     link slow cut
#     nothing_left "$WORK/store"
#
# Servers run as who runs the test, and log in that user alone (as root: anybody who has a shell, root unless told).
# Everything of a server lies in $WORK/sshd-NAME: sshd_config, authorized_keys, host_key_TYPE, sshd.log.
#
# The client. $HOME/.ssh has config, known_hosts, and keys: id_ed25519, id_ecdsa, id_rsa, and id_locked (ed25519,
# $PASSPHRASE), which every server lets in, and id_stranger, which none does. An alias tries id_ed25519 unless it
# is made with other lines IdentityFile. OpenSSH looks up ~ in passwd(5) and not in HOME: so the `ssh`, `sftp` and `scp` of $PATH are
# wrappers that add -F $HOME/.ssh/config, which is where belay finds them, too; all paths in there are absolute.
#
# Ended by pid at the end of the test, whatever its result; servers and links also when the test is killed (but not with KEEP).
for lib_name in sshd ssh ssh-agent ssh-keygen; do
    PATH=$PATH:/usr/sbin type -P "$lib_name" >/dev/null || skip "no $lib_name: openssh-server and openssh-client are not installed"
done
ssh_sshd=$(PATH=$PATH:/usr/sbin type -P sshd)
ssh_keys=$HOME/.ssh
# The requests beyond version 3 of the protocol; an sftp server that is denied them offers none of its extensions either.
export SFTP_PLAIN="internal-sftp -P posix-rename,statvfs,fstatvfs,hardlink,fsync,lsetstat,limits,expand-path,copy-data,home-directory,users-groups-by-id"
export PASSPHRASE="correct horse"
# Before a command: it dies with its parent, which therefore is the test itself and no subshell.
ssh_mortal=(setpriv --pdeathsig KILL)
if [ -n "${KEEP:-}" ]; then ssh_mortal=(); fi
declare -gA sshd_pids=() link_pids=() SSH_ADDRESS=() SSH_PORT=() SSH_USER=() LINK_PORT=()
agent_pid=

# ssh_make_key TYPE FILE. RSA of the least size that is not frowned upon, since larger ones take seconds.
ssh_make_key() {
    local bits=()
    if [ "$1" = rsa ]; then bits=(-b 2048); fi
    ssh-keygen -q -t "$1" ${bits[@]+"${bits[@]}"} -N "" -C "${2##*/}" -f "$2"
}

ssh_make_home() {
    local type program
    mkdir -p "$ssh_keys/hosts" "$WORK/bin"
    chmod 700 "$ssh_keys"
    for type in ed25519 ecdsa rsa; do
        ssh_make_key "$type" "$ssh_keys/id_$type"
    done
    ssh-keygen -q -t ed25519 -N "$PASSPHRASE" -C locked -f "$ssh_keys/id_locked"
    ssh_make_key ed25519 "$ssh_keys/id_stranger"
    cat >"$ssh_keys/config" <<CONF
Include $ssh_keys/hosts/*
Host 127.* 10.* localhost
    IdentityFile $ssh_keys/id_ed25519
Host *
    UserKnownHostsFile $ssh_keys/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    UpdateHostKeys no
    BatchMode yes
CONF
    : >"$ssh_keys/known_hosts"
    for program in ssh sftp scp; do
        printf '#!/bin/sh\nexec %s -F %q "$@"\n' "$(type -P "$program")" "$ssh_keys/config" >"$WORK/bin/$program"
        chmod 755 "$WORK/bin/$program"
    done
    export PATH=$WORK/bin:$PATH
}

# ssh_alias ALIAS NAME [LINE...]: lets ssh know the server NAME as ALIAS, with lines of ssh_config(5). They win over the server's own
# HostName, Port and User, and over the key id_ed25519.
ssh_alias() {
    local alias=$1 name=$2
    shift 2
    {
        echo "Host $alias"
        [ "$#" -eq 0 ] || printf '    %s\n' "$@"
        [[ " $*" == *IdentityFile\ * ]] || echo "    IdentityFile $ssh_keys/id_ed25519"
        printf '    HostName %s\n    Port %s\n    User %s\n' "${SSH_ADDRESS[$name]}" "${SSH_PORT[$name]}" "${SSH_USER[$name]}"
    } >"$ssh_keys/hosts/$alias"
}

# two_hosts LINES: the target's keys (deploy_lib.sh), and the servers app1 and app2 as hosts of the configuration.
two_hosts() {
    keys "gate = rename
$1"
    cat >>belay.ini <<INI

[host.app1]
ssh = app1

[host.app2]
ssh = app2
INI
}

# start_tcp_cluster: listens on a port of loopback, $PGPORT, as an SSH server sees it, with TLS if it is asked for; the test itself goes
# by its socket.
start_tcp_cluster() {
    local port try
    for ((try = 0; try < 20; try++)); do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    done
    openssl req -new -x509 -days 2 -nodes -subj /CN=db.example -addext "subjectAltName = DNS:db.example" -keyout "$WORK/server.key" \
        -out "$WORK/server.crt" 2>/dev/null
    chmod 644 "$WORK/server.crt"
    if [ "$(id -u)" -eq 0 ]; then chown postgres "$WORK/server.key"; fi
    chmod 600 "$WORK/server.key"
    CLUSTER_CONF="listen_addresses = '127.0.0.1'
port = $port
ssl = on
ssl_cert_file = '$WORK/server.crt'
ssl_key_file = '$WORK/server.key'" start_cluster
    export PGPORT=$port
}
# by_ssh KEYS [ADDRESS]: the target's keys (deploy_lib.sh), and its server behind an SSH server, the alias database unless told.
by_ssh() {
    keys "$1"
    sed -i "s|^host = .*|host = 127.0.0.1\nport = $PGPORT\nssh = ${2:-database}|" belay.ini
}

# ---- servers

# start_sshd NAME [OPTION VALUE]...: NAME of letters, digits and _. Sets ${SSH_ADDRESS[NAME]}, SSH_PORT and SSH_USER likewise; makes
# the alias NAME and the lines of known_hosts.
#   --host-keys LIST   of ed25519, ecdsa, rsa, with commas (default: ed25519,ecdsa)
#   --sftp COMMAND     default internal-sftp; $SFTP_PLAIN for one without extensions
#   --user USER        root starts it as that unprivileged user, who needs a shell: postgres
#   --address ADDRESS, --port PORT     default 127.0.0.1 and a free port
#   --listen ADDRESS   where it listens, when that is not just the address it is known by: 0.0.0.0
#   --namespace NS     a network namespace (netns_lib.sh)
#   --line LINE        a further line of sshd_config; may be repeated
start_sshd() {
    local name=$1 dir=$WORK/sshd-$1 keys=ed25519,ecdsa sftp=internal-sftp user address=127.0.0.1 listen='' port='' namespace='' lines=() type
    user=$(id -un)
    shift
    while [ "$#" -gt 1 ]; do
        case $1 in
        --host-keys) keys=$2 ;;
        --sftp) sftp=$2 ;;
        --user) user=$2 ;;
        --address) address=$2 ;;
        --listen) listen=$2 ;;
        --port) port=$2 ;;
        --namespace) namespace=$2 ;;
        --line) lines+=("$2") ;;
        *) fail "start_sshd: $1" ;;
        esac
        shift 2
    done
    mkdir "$dir"
    echo "$namespace" >"$dir/namespace"
    echo "$user" >"$dir/user"
    echo "${listen:-$address}" >"$dir/listen"
    cat "$ssh_keys"/id_{ed25519,ecdsa,rsa,locked}.pub >"$dir/authorized_keys"
    {
        for type in ${keys//,/ }; do echo "HostKey $dir/host_key_$type"; done
        [ "${#lines[@]}" -eq 0 ] || printf '%s\n' "${lines[@]}"
        cat <<CONF
AuthorizedKeysFile $dir/authorized_keys
Subsystem sftp $sftp
SetEnv BELAY_TEST_SSHD=$dir
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PermitUserRC no
AllowTcpForwarding yes
AllowStreamLocalForwarding yes
X11Forwarding no
PrintMotd no
PrintLastLog no
UseDNS no
MaxStartups 500
MaxSessions 1000
MaxAuthTries 20
LogLevel VERBOSE
CONF
    } >"$dir/sshd_config"
    : >"$dir/sshd.log"
    ssh_new_host_keys "$name" "$keys"
    if [ "$user" != "$(id -un)" ]; then chown -R "$user:" "$dir"; fi
    SSH_ADDRESS[$name]=$address SSH_USER[$name]=$user SSH_PORT[$name]=$port
    ssh_launch "$name"
    ssh_alias "$name" "$name"
    trust_sshd "$name"
}

ssh_new_host_keys() {
    local dir=$WORK/sshd-$1 type
    rm -f "$dir"/host_key_*
    for type in ${2//,/ }; do
        ssh_make_key "$type" "$dir/host_key_$type"
    done
}

# The port is tried out, since nothing can reserve one: below those that the kernel gives away.
ssh_launch() {
    local name=$1 dir=$WORK/sshd-$1 user namespace port as=() try
    user=$(cat "$dir/user")
    namespace=$(cat "$dir/namespace")
    port=${SSH_PORT[$name]}
    if [ -n "$namespace" ]; then as+=(ip netns exec "$namespace"); fi
    if [ "$user" != "$(id -un)" ]; then as+=(setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups); fi
    # A root's sshd wants this folder, which is Debian's; it stays, as others may use it by now.
    if [ "$(id -u)" -eq 0 ] && [ "$user" = root ]; then
        (umask 022 && mkdir -p /run/sshd)
    fi
    for ((try = 0; try < 20; try++)); do
        port=${port:-$((20000 + RANDOM % 12000))}
        rm -f "$dir/sshd.log"
        "${as[@]}" "${ssh_mortal[@]}" "$ssh_sshd" -D -f "$dir/sshd_config" -E "$dir/sshd.log" -o "ListenAddress=$(cat "$dir/listen")" -p "$port" \
            >"$dir/out" 2>&1 </dev/null &
        sshd_pids[$name]=$!
        disown "${sshd_pids[$name]}"
        wait_until ssh_settled "$name"
        if grep -q '^Server listening on' "$dir/sshd.log"; then
            SSH_PORT[$name]=$port
            return
        fi
        grep -qs 'Address already in use' "$dir/sshd.log" || break
        # A chosen port may still be that of a server that is just gone.
        if [ -n "${SSH_PORT[$name]}" ]; then sleep 0.2; else port=; fi
    done
    unset "sshd_pids[$name]"
    fail "sshd $name did not start: $(cat "$dir/out" "$dir/sshd.log")"
}

ssh_settled() {
    grep -qs '^Server listening on' "$WORK/sshd-$1/sshd.log" || ! ssh_alive "${sshd_pids[$1]}"
}

# A zombie is not alive.
ssh_alive() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) }
    [[ $stat != [ZX]* ]]
}

# trust_sshd NAME: known_hosts gets its keys, and loses others of that address.
trust_sshd() {
    local host="[${SSH_ADDRESS[$1]}]:${SSH_PORT[$1]}" file
    if [ "${SSH_PORT[$1]}" = 22 ]; then host=${SSH_ADDRESS[$1]}; fi
    grep -vF -- "$host " "$ssh_keys/known_hosts" >"$ssh_keys/known_hosts.new" || true
    for file in "$WORK/sshd-$1"/host_key_*.pub; do
        echo "$host $(cut -d' ' -f1,2 "$file")" >>"$ssh_keys/known_hosts.new"
    done
    mv "$ssh_keys/known_hosts.new" "$ssh_keys/known_hosts"
}

# change_host_keys NAME [LIST]: restarts it with other keys, which known_hosts does not know.
change_host_keys() {
    local types
    types=${2:-$(sed -n 's/^HostKey .*host_key_//p' "$WORK/sshd-$1/sshd_config" | paste -sd,)}
    stop_sshd "$1"
    ssh_new_host_keys "$1" "$types"
    if [ "$(cat "$WORK/sshd-$1/user")" != "$(id -un)" ]; then chown -R "$(cat "$WORK/sshd-$1/user"):" "$WORK/sshd-$1"; fi
    ssh_launch "$1"
}

# restart_sshd NAME: after stop_sshd, on the same port with the same keys.
restart_sshd() {
    ssh_launch "$1"
}

# sshd_sessions NAME: pids of its sessions' sshd processes.
sshd_sessions() {
    ssh_processes "$1" | awk '$2 == "session" { print $1 }'
}

# sshd_commands NAME: pids of what was started in its sessions, sftp servers too.
sshd_commands() {
    ssh_processes "$1" | awk '$2 == "command" { print $1 }'
}

# "PID session|command" of everything the server started. Its processes are found as descendants, by the log that they hold
# open (those of a listener that was killed), and by the environment that sshd gives to commands (those of a session that was killed).
ssh_processes() {
    local dir=$WORK/sshd-$1 listener=${sshd_pids[$1]:-0}
    {
        find /proc/[0-9]*/fd -maxdepth 1 -lname "$dir/sshd.log" 2>/dev/null | cut -d/ -f3 | sed 's/$/ log/' || true
        grep -lsz -x -- "BELAY_TEST_SSHD=$dir" /proc/[0-9]*/environ | cut -d/ -f3 | sed 's/$/ environment/' || true
        ps -e -o pid=,ppid=,state=,comm=
    } | awk -v listener="$listener" '
        $2 == "log" || $2 == "environment" { found[$1] = 1; next }
        { parent[$1] = $2; gone[$1] = $3 ~ /^Z/; name[$1] = $4 }
        END {
            if (listener != 0)
                found[listener] = 1
            do {
                more = 0
                for (pid in parent)
                    if (!(pid in found) && parent[pid] in found) { found[pid] = 1; more = 1 }
            } while (more)
            for (pid in found)
                if (pid != listener && pid in parent && !gone[pid])
                    print pid, name[pid] == "sshd" ? "session" : "command"
        }'
}

# ssh_kill PID...: and waits until they are gone, at most 10 s.
ssh_kill() {
    local pid i
    for pid in "$@"; do kill -KILL "$pid" 2>/dev/null || true; done
    for pid in "$@"; do
        for ((i = 0; i < 1000; i++)); do
            ssh_alive "$pid" || break
            sleep 0.01
        done
    done
}

# kill_sshd_sessions NAME: as a crash of their sshd processes; the listener goes on, and so does what a command does until it
# notices.
kill_sshd_sessions() {
    local pids
    mapfile -t pids < <(sshd_sessions "$1")
    ssh_kill ${pids[@]+"${pids[@]}"}
}

# stop_sshd NAME: ends it and all that it started, at once.
stop_sshd() {
    local name=$1 pid=${sshd_pids[$1]:-} pids i
    if [ -n "$pid" ]; then
        kill -STOP "$pid" 2>/dev/null || true
    fi
    # More than once, since a process may have started another one meanwhile.
    for ((i = 0; i < 100; i++)); do
        mapfile -t pids < <(ssh_processes "$name" | cut -d' ' -f1)
        [ "${#pids[@]}" -gt 0 ] || break
        ssh_kill "${pids[@]}"
    done
    if [ -n "$pid" ]; then
        ssh_kill "$pid"
        unset "sshd_pids[$name]"
    fi
}

# freeze_sshd NAME: new connections are accepted (by the kernel), and nothing more; those that are open go on. freeze_sshd NAME all: those
# fall silent, too. thaw_sshd NAME: both go on.
freeze_sshd() {
    ssh_signal STOP "$@"
}
thaw_sshd() {
    ssh_signal CONT "$1" all
}
ssh_signal() {
    local pid pids=("${sshd_pids[$2]}")
    if [ "${3:-}" = all ]; then mapfile -t -O 1 pids < <(sshd_sessions "$2"); fi
    for pid in "${pids[@]}"; do kill "-$1" "$pid" 2>/dev/null || true; done
}

# libssh2_version: of the library that belay loads. has_libssh2 VERSION: is it that one, or a newer?
libssh2_version() {
    python3 - <<'PYTHON'
import ctypes
library = ctypes.CDLL("libssh2.so.1")
library.libssh2_version.restype = ctypes.c_char_p
print(library.libssh2_version(0).decode())
PYTHON
}
has_libssh2() {
    printf '%s\n' "$1" "$(libssh2_version)" | sort -V -C
}
# libssh2_leaks: under LeakSanitizer, what libssh2 itself forgets is no fault.
libssh2_leaks() {
    echo "leak:libssh2.so" >"$WORK/suppressions"
    export LSAN_OPTIONS=suppressions=$WORK/suppressions:print_suppressions=0
}

# ---- agent

# start_agent [KEY...]: an agent with these keys of $HOME/.ssh; sets SSH_AUTH_SOCK.
start_agent() {
    local key
    export SSH_AUTH_SOCK=$WORK/agent
    ssh-agent -D -a "$SSH_AUTH_SOCK" >"$WORK/agent.log" 2>&1 </dev/null &
    agent_pid=$!
    disown "$agent_pid"
    wait_until test -S "$SSH_AUTH_SOCK"
    printf '#!/bin/sh\necho "$PASSPHRASE"\n' >"$WORK/bin/askpass"
    chmod 755 "$WORK/bin/askpass"
    for key in "$@"; do
        SSH_ASKPASS=$WORK/bin/askpass SSH_ASKPASS_REQUIRE=force ssh-add -q "$ssh_keys/$key" </dev/null || fail "ssh-add $key"
    done
}
stop_agent() {
    if [ -n "$agent_pid" ]; then ssh_kill "$agent_pid"; fi
    rm -f "$WORK/agent"
    agent_pid=
    unset SSH_AUTH_SOCK
}

# ---- links

# start_link NAME HOST PORT [OPTION VALUE]...: see link.c. Sets ${LINK_PORT[NAME]}; what it says goes to $WORK/link-NAME/said.
start_link() {
    local name=$1 dir=$WORK/link-$1
    shift
    mkdir -p "$dir"
    rm -f "$dir/port"
    "${ssh_mortal[@]}" "${BELAY_TESTS:?}/link" "$dir/port" "$@" --control "$dir/control" >"$dir/said" 2>"$dir/errors" </dev/null &
    link_pids[$name]=$!
    disown "${link_pids[$name]}"
    wait_until ssh_link_settled "$name"
    [ -s "$dir/port" ] || fail "link $name did not start: $(cat "$dir/errors")"
    # shellcheck disable=SC2034 # for the tests
    LINK_PORT[$name]=$(cat "$dir/port")
}
ssh_link_settled() {
    [ -s "$WORK/link-$1/port" ] || ! ssh_alive "${link_pids[$1]}"
}

# link NAME COMMAND [ANSWER]: has it do that, and waits for its answer, which is that one when it is given.
link() {
    local dir=$WORK/link-$1 lines deadline=$((SECONDS + 10))
    lines=$(wc -l <"$dir/said")
    echo "$2" >"$dir/control"
    until [ "$(wc -l <"$dir/said")" -gt "$lines" ]; do
        ssh_alive "${link_pids[$1]}" && [ "$SECONDS" -lt "$deadline" ] || fail "link $1 does not answer to $2: $(cat "$dir/errors")"
        sleep 0.01
    done
    local said
    said=$(tail -n 1 "$dir/said")
    case $said in
    "${3:-}"*) ;;
    *) fail "link $1: $2: $said" ;;
    esac
    [ -n "${3:-}" ] || [[ $said != unknown:* ]] || fail "link $1: $said"
}
stop_link() {
    ssh_kill "${link_pids[$1]}"
    unset "link_pids[$1]"
}

# ---- what must not be left

# nothing_left [FOLDER...]: within some seconds no server has a session or a command any more, belay has no process, and the
# folders hold no file of a name that is only for the time of writing. What a test left running on purpose is ended before.
nothing_left() {
    local deadline=$((SECONDS + ${NOTHING_LEFT_S:-10})) left
    while :; do
        left=$(ssh_left "$@")
        [ -n "$left" ] || return 0
        [ "$SECONDS" -lt "$deadline" ] || fail "left over:
$left"
        sleep 0.1
    done
}
ssh_left() {
    local name pid folder own
    own=" $$ $BASHPID $agent_pid ${link_pids[*]-} ${sshd_pids[*]-} $(jobs -p | tr '\n' ' ') "
    for name in "${!sshd_pids[@]}"; do
        ssh_processes "$name" | sed "s/^/of sshd $name: /"
    done
    # Everything that belay starts has the test's HOME; what the shell itself has just started (this pipeline) is no child of init or belay.
    for pid in $(grep -lsz -x -- "HOME=$HOME" /proc/[0-9]*/environ | cut -d/ -f3); do
        case $own in *" $pid "*) continue ;; esac
        ssh_shells_own "$pid" || echo "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
    done
    for folder in "$@"; do
        find "$folder" \( -name '*.part' -o -name '*.tmp' -o -name 'belay*.??????' -o -type s -o -type p \) -print
    done
}
# Is it gone, or a subshell or program of the test's own script?
ssh_shells_own() {
    local parent
    parent=$(ps -o ppid= -p "$1") || return 0
    parent=${parent// /}
    [ "$parent" = "$BASHPID" ] || [ "$parent" = "$$" ] || [ ! -e "/proc/$1" ]
}

ssh_cleanup() {
    local name
    for name in "${!sshd_pids[@]}"; do
        stop_sshd "$name"
    done
    for name in "${!link_pids[@]}"; do
        stop_link "$name"
    done
    stop_agent
}
at_end ssh_cleanup
ssh_make_home
