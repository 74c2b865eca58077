# shellcheck shell=bash
# shellcheck disable=SC2154 # root: of lib.sh
# The hosts of scripts/demo: one private server, or three hosts with an sshd each, and what is shown with these alone. Sets
# $work, PG* for the demo's own psql, `belay` (the command, as an array) and `keys` (more lines for belay.ini).

make_local_server() {
    work=$(mktemp -d /tmp/belay-demo.XXXXXX)
    chmod 755 "$work"
    trap '"$root/tests/support/cluster.sh" crash "$work/pg" || true' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    say "a private PostgreSQL in $work/pg"
    "$root/tests/support/cluster.sh" start "$work/pg"
    export PGHOST=$work/pg/s PGPORT=5432 PGUSER=postgres
    keys=("host = $PGHOST" "store = local" "" "[store.local]" "path = backups")
}

make_ssh_hosts() {
    export BELAY=${belay[0]} BELAY_SOURCE=$root BELAY_TESTS=$root/build/dev/tests
    KEEP=files NETNS_OPTIONAL=1
    # shellcheck source=../tests/support/lib.sh
    source "$root/tests/support/lib.sh"
    # shellcheck source=../tests/support/ssh_lib.sh
    source "$root/tests/support/ssh_lib.sh"
    # shellcheck source=../tests/support/netns_lib.sh
    source "$root/tests/support/netns_lib.sh"
    work=$WORK
    local address port
    if [ -n "$netns_are_allowed" ]; then
        say "three hosts as network namespaces, each with its sshd: ci -> app -> database; and ci2, like ci"
        three_hosts
        make_host ci2
        wire_hosts ci2 10.77.3.1 app 10.77.3.2
        start_host_cluster database
        # ci2 reaches app by another address, whose keys known_hosts gets too.
        sed -n "s/^10\.77\.1\.2 /10.77.3.2 /p" "$HOME/.ssh/known_hosts" >"$work/more_hosts"
        cat "$work/more_hosts" >>"$HOME/.ssh/known_hosts"
        address=${HOST_ADDRESS[database]} port=5432
    else
        say "sshds on loopback for app and database, ci is this machine: network namespaces are not allowed here ($(head -n 1 "$work/netns"))"
        on() {
            shift
            "$@"
        }
        local host
        for host in app database; do start_sshd "$host"; done
        ssh_alias database database "ProxyJump app"
        address=127.0.0.1 port=$((20000 + RANDOM % 12000))
        CLUSTER_CONF="listen_addresses = '127.0.0.1'
port = $port" start_cluster
        export PGPORT=$port
    fi
    mkdir -p "$work/host-app/backups"
    [ -z "$netns_are_allowed" ] || belay=("$work/host-ci/belay")
    keys=("host = $address" "port = $port" "ssh = database" "store = far" "" "[store.far]" "url = sftp://app$work/host-app/backups")
    grep -vE '^(#|$)' "$HOME/.ssh/hosts/database"
    printf '%s\n' "${keys[@]}"
}

# A run that is killed with ci, while its migration has committed half, and `recover` from another host with its own checkout.
show_recovery() {
    say "4. ci dies (SIGKILL) while a migration has committed half of its work; belay recover on another host"
    cat >migrations/20251119_1100_aa00000000f3_commits_half_then_waits.sql <<'SQL'
-- Commit half of the work, then wait
--
-- Revision ID: aa00000000f3
-- Revises: 1da9275c8e36
-- Create Date: 2025-11-19 11:00:00+00:00
-- Transaction: no

-- belay: upgrade
DELETE FROM bank_statement_entries WHERE line_no % 2 = 0;
SELECT pg_sleep(600);

-- belay: downgrade
SELECT 1;
SQL
    cp -R "$work/project" "$work/checkout-of-ci2"
    "${belay[@]}" deploy demo --json >"$work/answer.json" 2>"$work/killed.log" &
    local run=$! asleep="SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
    until [ "$(psql -X -A -t -d postgres -c "$asleep")" = t ]; do
        kill -0 "$run" 2>/dev/null || die "the run ended by itself: see $work/killed.log"
        sleep 0.1
    done
    ssh_kill "$run"
    wait "$run" || echo "belay on ci ended with status $?"
    local host=ci2
    [ -n "$netns_are_allowed" ] || host=ci
    (cd "$work/checkout-of-ci2" && as_of_ci2 && on "$host" "$BELAY" recover --json >"$work/answer.json") || die "recover ended with status $?"
    echo "belay recover: outcome $(json outcome)"
    ssh_alias app app
    same_as_before
    nothing_left "$work/host-app/backups"
}

# What ci2 knows of app: the address on its own cable.
as_of_ci2() {
    [ -n "$netns_are_allowed" ] || return 0
    ssh_alias app app "HostName 10.77.3.2"
}

# The snapshots are where belay was told to put them, and a person with sftp, tar and psql needs nothing else.
show_far_store() {
    say "5. a snapshot fetched with sftp, and restored by hand as its README says"
    local snapshot
    snapshot=$(find "$work/host-app/backups" -name '*.tar' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
    [ -n "$snapshot" ] || die "no snapshot on app"
    mkdir "$work/by-hand"
    echo "get $snapshot $work/by-hand/snapshot.tar" | on ci sftp -q -b - app
    tar -xf "$work/by-hand/snapshot.tar" -C "$work/by-hand"
    (cd "$work/by-hand" && ls)
    (cd "$work/by-hand" && sh restore.sh by_hand) >"$work/by-hand.log" 2>&1 || die "restore.sh failed: see $work/by-hand.log"
    # bank is again what the snapshot was taken of. Compared is with a copy by pg_dump, since the server spells some expressions
    # otherwise once they were dumped.
    psql -X -q -d postgres -c "CREATE DATABASE by_pg_dump TEMPLATE template0"
    pg_dump -d bank | psql -X -q -v ON_ERROR_STOP=1 -d by_pg_dump >"$work/by-pg-dump.log"
    state by_pg_dump >"$work/expected"
    state by_hand >"$work/after"
    diff -u "$work/expected" "$work/after" || die "what was restored by hand is another database"
    cat "$work/after"
    echo "equal to what pg_dump copies of the database"
    nothing_left "$work/host-app/backups"
    echo
    echo "The folder $work is kept; remove it when you have seen enough."
}
