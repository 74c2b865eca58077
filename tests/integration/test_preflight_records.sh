#!/bin/bash
# Pre-flight finds what would make the migrations or belay's own records fail: before the gate is closed, with the remedy.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project
fresh
pending_good

# refuses NAME TEXT...: deploy refuses with exit 3 before the run begins, preflight has the finding
refuses() {
    local name=$1 text
    shift
    run_json 3 deploy --json
    json_is outcome refused
    err_lacks "gate closed"
    belay 3 preflight --json
    python3 - "$OUT" "$name" <<'PYTHON' || fail "no refusal called $name"
import json, sys
sys.exit(not any(c["name"] == sys.argv[2] and c["verdict"] == "refuse" for c in json.load(open(sys.argv[1]))["checks"]))
PYTHON
    for text; do out_has "$text"; done
    equals "state of the database" "$(state_of bank)" "$before"
}

keys "gate = rename"
begin "default_transaction_read_only of the database"
sql postgres "ALTER DATABASE bank SET default_transaction_read_only = on"
refuses read_only "default_transaction_read_only is on (database)" "ALTER DATABASE bank RESET default_transaction_read_only"
sql postgres "ALTER DATABASE bank RESET default_transaction_read_only"

begin "of the role, and of the role in the database"
writable() { PGOPTIONS='-c default_transaction_read_only=off' sql postgres "$@"; }
sql postgres "ALTER ROLE postgres SET default_transaction_read_only = on"
belay 3 preflight --json
out_has "ALTER ROLE postgres RESET default_transaction_read_only"
writable "ALTER ROLE postgres RESET default_transaction_read_only" "ALTER ROLE postgres IN DATABASE bank SET default_transaction_read_only = on"
belay 3 preflight --json
out_has "ALTER ROLE postgres IN DATABASE bank RESET default_transaction_read_only"
writable "ALTER ROLE postgres IN DATABASE bank RESET default_transaction_read_only"

begin "of the connection, and of the server"
PGOPTIONS='-c default_transaction_read_only=on' belay 3 preflight --json
out_has "PGOPTIONS"
sql postgres "ALTER SYSTEM SET default_transaction_read_only = on" "SELECT pg_reload_conf()" >/dev/null
read_only() { [ "$(sql postgres "SHOW default_transaction_read_only")" = "$1" ]; }
wait_until read_only on
belay 3 preflight --json
out_has "ALTER SYSTEM RESET default_transaction_read_only"
writable "ALTER SYSTEM RESET default_transaction_read_only" "SELECT pg_reload_conf()" >/dev/null
wait_until read_only off
belay 0 preflight

begin "a version_table_schema that does not exist: it is not made, and the table that is there is named"
keys $'gate = rename\nversion_table_schema = opz'
refuses records 'schema \"opz\" that version_table_schema names does not exist' "public.alembic_version" "CREATE SCHEMA opz AUTHORIZATION postgres;"
belay 2 upgrade head
err_has "CREATE SCHEMA opz AUTHORIZATION postgres;"
same_as_before

begin "the remedy helps"
sql bank "CREATE SCHEMA opz AUTHORIZATION postgres" "CREATE TABLE opz.alembic_version (LIKE public.alembic_version INCLUDING ALL)" \
    "INSERT INTO opz.alembic_version TABLE public.alembic_version" "DROP TABLE public.alembic_version"
belay 0 deploy
sql_is bank "SELECT version_num FROM opz.alembic_version" bbbb00000002
tidy

begin "a role that may not write the records: the GRANT is named, and helps"
fresh
pending_good
keys $'gate = none\nuser = deployer\nsnapshot = yes\non_failure = stop'
sed -i '0,/^user = postgres$/{//d}' belay.ini
sql postgres "CREATE ROLE deployer LOGIN" "GRANT pg_read_all_data TO deployer" "GRANT CONNECT ON DATABASE bank TO deployer"
belay 3 preflight --json
out_has "GRANT SELECT, INSERT, DELETE ON public.alembic_version TO deployer;"
sql bank "GRANT SELECT, INSERT, DELETE ON public.alembic_version TO deployer"
belay 3 preflight --json
out_has "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA belay TO deployer;"
sql bank "GRANT USAGE ON SCHEMA belay TO deployer" "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA belay TO deployer"
belay 3 preflight
out_has "ok      records"
rm migrations/*bbbb00000002*
add_migration bbbb00000002 aaaa00000001 "Only rows" >"$WORK/file" <<<'SELECT 1;'
belay 0 upgrade head
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002

begin "a role that may not make the version table"
sql postgres "CREATE DATABASE bare"
sed -i 's/^dbname = .*/dbname = bare/' belay.ini
belay 3 preflight --json
out_has "GRANT CREATE ON SCHEMA public TO deployer;"
belay 1 upgrade head
err_has "GRANT CREATE ON SCHEMA public TO deployer;"
