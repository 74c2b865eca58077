#!/bin/bash
# What a manual restore looks at before it changes anything: each reason to refuse ends with exit 3, nothing changed and
# nothing left; another target's snapshot has to be asked for; production wants its yes.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
CLUSTER_CONF='max_prepared_transactions = 4' start_cluster
bank_project
fresh
sql postgres "CREATE ROLE owner_of_things"
sql bank "ALTER TABLE moves OWNER TO owner_of_things"
belay 0 snapshot --json
id=$(json id)
sql bank "DELETE FROM moves"
now=$(state_of bank)
level_now=$(level_of bank)

# refused TEXT [HINT]: restore says so and leaves everything as it was
refused() {
    run_json 3 restore "$id" --yes --json
    json_is outcome refused
    json error.message | grep -F -- "$1" >/dev/null || fail "the message lacks: $1"
    [ $# -lt 2 ] || json error.hint | grep -F -- "$2" >/dev/null || fail "the hint lacks: $2"
    json stages | grep -q build && fail "a new database was begun"
    unchanged
}
unchanged() {
    equals "state" "$(state_of bank)" "$now"
    equals "database-level state" "$(level_of bank)" "$level_now"
    tidy
}

begin "a prepared transaction"
sql bank "BEGIN; INSERT INTO moves (account, amount) VALUES (1, 1); PREPARE TRANSACTION 'left over'"
refused "prepared transaction 'left over'" "ROLLBACK PREPARED 'left over'"
sql bank "ROLLBACK PREPARED 'left over'" "DELETE FROM moves"
now=$(state_of bank)

begin "no room on the server, as it is declared"
run_json 3 restore "$id" --yes --server-space 1kB --json
json error.message | grep -F "as --server-space declares" >/dev/null || fail "not the declared room"
unchanged

begin "roles that the server lacks: by name, mapped, and created"
sql bank "ALTER TABLE moves OWNER TO postgres"
sql postgres "DROP ROLE owner_of_things"
now=$(state_of bank)
refused "owner_of_things" "CREATE ROLE \"owner_of_things\""
keys $'gate = rename\nrole_map = owner_of_things=not_here'
refused "not_here" "role_map = owner_of_things=..."
keys $'gate = rename\nrole_map = owner_of_things=teller'
run_json 0 restore "$id" --yes --json
sql_is bank "SELECT relowner::regrole FROM pg_class WHERE oid = 'moves'::regclass" teller
sql bank "ALTER TABLE moves OWNER TO postgres" "DELETE FROM moves"
sql postgres "CREATE ROLE owner_of_things"
keys "gate = rename"
now=$(state_of bank)
level_now=$(level_of bank)

begin "a role without the rights that a restore needs"
sed -i 's/^user = .*/user = clerk/' belay.ini
sql bank "GRANT SELECT ON alembic_version TO clerk"
now=$(state_of bank)
refused "role clerk may not create databases" "ALTER ROLE clerk CREATEDB"
sql postgres "ALTER ROLE clerk CREATEDB"
refused "this role may not give the snapshot's objects to their owners: owner_of_things, postgres"
sed -i 's/^user = .*/user = postgres/' belay.ini
sql postgres "ALTER ROLE clerk NOCREATEDB"
sql bank "REVOKE SELECT ON alembic_version FROM clerk"
now=$(state_of bank)

begin "a tablespace, an event trigger and an extension: refused where they cannot be made"
mkdir "$WORK/space"
[ "$(id -u)" != 0 ] || chown "$(stat -c %U "$WORK/pg/data")" "$WORK/space"
sql postgres "CREATE TABLESPACE fast LOCATION '$WORK/space'"
sql bank "CREATE TABLE quick (x int) TABLESPACE fast" "CREATE EXTENSION pageinspect" \
    "CREATE FUNCTION noticed() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'" \
    "CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION noticed()"
belay 0 snapshot --json
plain=$id
id=$(json id)
sql bank "DROP EVENT TRIGGER watcher" "DROP FUNCTION noticed" "DROP EXTENSION pageinspect" "DROP TABLE quick"
now=$(state_of bank)
sql postgres "DROP TABLESPACE fast"
refused "fast (the server has none of that name)" "CREATE TABLESPACE"
sql postgres "CREATE TABLESPACE fast LOCATION '$WORK/space'"
sql postgres "CREATE ROLE helper LOGIN CREATEDB" "GRANT clerk, owner_of_things, teller TO helper" "GRANT pg_signal_backend TO helper"
sql bank "GRANT SELECT ON alembic_version TO helper"
now=$(state_of bank)
sed -i 's/^user = .*/user = helper/' belay.ini
refused "fast (this role may not create anything there)"
json error.message | grep -F "only a superuser may create what is in the snapshot: extension pageinspect, EVENT TRIGGER" >/dev/null || fail "no word of the event trigger"
sed -i 's/^user = .*/user = postgres/' belay.ini
sql bank "REVOKE SELECT ON alembic_version FROM helper"
run_json 0 restore "$id" --yes --json
sql_is bank "SELECT count(*) FROM pg_event_trigger WHERE evtname = 'watcher'" 1
sql_is bank "SELECT spcname FROM pg_tablespace t JOIN pg_class c ON c.reltablespace = t.oid WHERE relname = 'quick'" fast
id=$plain

begin "the first snapshot again, over all of that"
run_json 0 restore "$id" --yes --json
sql bank "DELETE FROM moves"
now=$(state_of bank)
level_now=$(level_of bank)

begin "a database that nobody may connect to is restored all the same"
sql postgres "ALTER DATABASE bank ALLOW_CONNECTIONS false"
run_json 0 restore "$id" --yes --json
err_has "the revision of the present database cannot be read"
json_is from '[]'
sql postgres "ALTER DATABASE bank ALLOW_CONNECTIONS true"
sql_is bank "SELECT count(*) FROM moves" 500
tidy

begin "outside of the maintenance window: the person on call decides"
keys "gate = rename
window = $(LC_ALL=C date -u -d '+2 days' +%a) 01:00-02:00"
run_json 0 restore "$id" --yes --json
keys "gate = rename"

begin "another target's snapshot: refused by name, then asked for, and the database keeps its own owner and settings"
cat >>belay.ini <<INI

[target.other]
environment = staging
host = $PGHOST
user = postgres
dbname = other
gate = rename
store = away

[store.away]
path = away
INI
sql postgres "CREATE ROLE other_owner" "CREATE DATABASE other OWNER other_owner" "ALTER DATABASE other SET work_mem = '3MB'" \
    "COMMENT ON DATABASE other IS 'mine'" "GRANT CONNECT ON DATABASE other TO teller"
other_level=$(level_of other)
run_json 1 restore "$id" -t other --yes --json
json_is error.code not_found
sed -i 's/^store = away/store = local/' belay.ini
run_json 3 restore "$id" -t other --yes --json
json_is outcome refused
json_is error.message "snapshot $id is one of target dev, not of other"
json_is error.hint "add --from dev when that is meant"
sql_is other "SELECT count(*) FROM pg_class WHERE relname = 'moves'" 0
run_json 0 restore "$id" -t other --from dev --yes --json
json_is snapshot "$id"
sql_is other "SELECT count(*) FROM moves" 500
sql_is other "SELECT version_num FROM alembic_version" aaaa00000001
equals "database-level state" "$(level_of other)" "$other_level"

begin "--from with a store of its own, and with --revision"
sed -i '/^\[target.other\]/,/^\[store/ s/^store = local/store = away/' belay.ini
sql other "DELETE FROM moves"
run_json 0 restore "$id" -t other --from dev --yes --json
sql_is other "SELECT count(*) FROM moves" 500
run_json 0 restore --revision aaaa -t other --from dev --yes --json
sql_is other "SELECT count(*) FROM pg_class WHERE relname = 'quick'" 1 # the newest one
belay 1 restore "$id" -t other --from nobody --yes
for name in $(databases | grep '^other'); do sql postgres "DROP DATABASE \"$name\" WITH (FORCE)"; done

begin "production: --yes or the name typed, whatever accept_loss says, and for a dropped database too"
sql bank "DELETE FROM moves"
now=$(state_of bank)
level_now=$(level_of bank)
keys $'gate = rename\naccept_loss = yes' production
run_json 3 restore "$id" --json
json_is outcome refused
json error.message | grep -F "a production target wants --yes, or the database's name typed" >/dev/null || fail "not the policy"
unchanged
python3 "$BELAY_SOURCE/tests/support/type.py" yes "$BELAY" restore "$id" >"$OUT" 2>&1 && fail "restored without the name"
unchanged
python3 "$BELAY_SOURCE/tests/support/type.py" bank "$BELAY" restore "$id" >"$OUT" 2>&1 || fail "not restored"
sql_is bank "SELECT count(*) FROM moves" 500
sql postgres "DROP DATABASE bank WITH (FORCE)"
run_json 3 restore "$id" --json
equals "databases" "$(databases | grep -c '^bank$' || true)" 0
run_json 0 restore "$id" --yes --json
sql_is bank "SELECT count(*) FROM moves" 500
tidy
