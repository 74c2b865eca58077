#!/bin/bash
# PgBouncer in between, in each of its modes: every verb that touches the database refuses it, changes nothing, leaves no
# setting behind in the sessions that applications share, and says where the server itself is.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
bouncer=$(PATH=$PATH:/usr/sbin command -v pgbouncer) || skip "no pgbouncer"
start_cluster
make_empty_project bank staging
add_migration aaaa00000001 "" "Make accounts" >/dev/null <<'SQL'
CREATE TABLE accounts (id int PRIMARY KEY);
-- belay: downgrade
DROP TABLE accounts;
SQL
belay 0 upgrade head
add_migration bbbb00000002 aaaa00000001 "Add notes" >/dev/null <<<'ALTER TABLE accounts ADD COLUMN note text;'
belay 0 snapshot --json
snapshot=$(json id)

# start_bouncer MODE [DATABASES]: in front of the cluster, as the server's user; its socket is in $pooler, its port 6432.
start_bouncer() {
    pooler=$(mktemp -d "$WORK/pooler.XXXX")
    cat >"$pooler/pgbouncer.ini" <<INI
[databases]
${2:-*} = host=$PGHOST port=5432
[pgbouncer]
pool_mode = $1
unix_socket_dir = $pooler
listen_addr =
listen_port = 6432
auth_type = trust
auth_file = $pooler/users
logfile = $pooler/log
pidfile = $pooler/pid
max_client_conn = 50
INI
    echo '"postgres" ""' >"$pooler/users"
    local as=()
    if [ "$(id -u)" -eq 0 ]; then
        local user=postgres
        chown -R "$user" "$pooler"
        as=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups)
    fi
    "${as[@]}" "$bouncer" -q "$pooler/pgbouncer.ini" >"$pooler/started" 2>&1 &
    wait_until psql -X -h "$pooler" -p 6432 -d bank -c "SELECT 1"
}

# What must be the same before and after: the names, the stamp, the schema, and no session of belay's.
picture() {
    databases
    sql bank "SELECT string_agg(version_num, ' ' ORDER BY 1) FROM alembic_version"
    schema_hash bank
    find backups -type f | sort
    sql postgres "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
}

through_pooler() {
    PGHOST=$pooler PROJECT_KEYS="port = 6432" write_project bank staging
}

refused() {
    belay 3 "$@"
    cat "$OUT" "$ERR" >"$WORK/both"
    grep -q "connection pooler" "$WORK/both" || fail "no word of a pooler"
    grep -q "port 5432" "$WORK/both" || fail "no word of the server's own port"
}

try_everything() {
    local before
    before=$(picture)
    refused deploy
    refused deploy --json
    json_is outcome refused
    json_is error.code pooler
    refused preflight
    refused upgrade head
    refused downgrade -1
    refused stamp base
    refused snapshot
    refused restore "$snapshot" --yes
    refused rehearse
    refused current
    refused check
    refused verify
    refused recover
    refused prune --databases --yes
    refused doctor
    equals "database and store" "$(picture)" "$before"
}

for mode in transaction statement session; do
    begin "pool_mode = $mode"
    start_bouncer "$mode"
    through_pooler
    try_everything
    equals "settings that applications would meet" \
        "$(psql -X -At -h "$pooler" -p 6432 -d bank -c "SELECT current_setting('search_path')" \
            -c "SELECT current_setting('row_security')" -c "SELECT current_setting('client_connection_check_interval')" | paste -sd' ')" \
        '"$user", public on 0'
done

begin "a pooler that does not know the maintenance database"
start_bouncer transaction bank
through_pooler
belay 3 deploy
err_has "no such database: postgres"
err_has "connect directly to the server"
belay 3 doctor
out_has "is a connection pooler"

begin "a pooler that takes no startup options"
PGOPTIONS="-c geqo=off" belay 3 current
err_has "connect directly to the server"

begin "the server itself is fine"
write_project bank staging
belay 0 deploy
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
