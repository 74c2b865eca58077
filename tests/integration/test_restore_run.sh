#!/bin/bash
# restore ID and restore --revision: exact, with migrations above the snapshot, of a dropped database; what is refused.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project

begin "restore ID: the snapshot's rows and stamp, the database kept"
fresh
pending_good
belay 0 snapshot --json
first=$(json id)
belay 0 deploy
sql bank "DELETE FROM moves"
run_json 3 restore "$first" --json
json_is outcome refused
json_is error.hint "add --yes"
sql_is bank "SELECT count(*) FROM moves" 0
run_json 0 restore "$first" --yes --json
json_is outcome restored
json_is snapshot "$first"
json_is from '["bbbb00000002"]'
json_is to '["aaaa00000001"]'
json_is error null
same_as_before
tidy
kept=$(json kept)
belay 0 report
out_has "restored: The snapshot is in the database's place"
belay 0 report --markdown
out_has "## ✅ belay restore dev: restored"
sql postgres "ALTER DATABASE \"$kept\" ALLOW_CONNECTIONS true"
sql_is "$kept" "SELECT count(note) FROM accounts" 200

begin "a unique prefix is enough; an unknown id is not found and changes nothing"
belay 0 restore "${first%?}" --yes
same_as_before
run_json 1 restore 19990101 --yes --json
json_is outcome untouched
json_is error.code not_found
belay 2 restore
belay 2 restore "$first" --revision head
same_as_before
tidy

begin "restore --revision, a snapshot is exactly there"
belay 0 restore --revision aaaa --yes
same_as_before
tidy

begin "restore --revision says which snapshot it takes, and which newer one it cannot read"
head -c 5000 "backups/dev/$first.tar" >backups/dev/20991231T000000Z-ffffff.tar
belay 0 restore --revision aaaa --yes
err_has "snapshot 20991231T000000Z-ffffff is newer and cannot be read"
err_has "for revision aaaa: snapshot 2"
rm backups/dev/20991231T000000Z-ffffff.tar
same_as_before
tidy

begin "restore --revision, above the snapshot: the migrations from there are applied"
run_json 0 restore --revision bbbb00000002 --yes --json
json_is to '["bbbb00000002"]'
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
sql_is bank "SELECT count(note) FROM accounts" 200
equals "database-level state" "$(level_of bank)" "$level_before"
tidy

begin "a migration above the snapshot that fails: nothing is swapped"
sed -i 's/count(\*) = 200/count(*) = 201/' migrations/*bbbb00000002*
belay 0 restore "$first" --yes
same_as_before
run_json 1 restore --revision bbbb00000002 --yes --json
json_is outcome untouched
json_is kept null
same_as_before
tidy

begin "restore of a dropped database"
sql postgres 'DROP DATABASE bank WITH (FORCE)'
run_json 0 restore "$first" --json
json_is outcome restored
json_is kept null
json_is from '[]'
same_as_before
tidy

# The ledger's record against what a snapshot of the database says.
recorded_schema_is_right() {
    belay 0 snapshot --json
    equals "the recorded schema" "$(sql bank "SELECT schema_sha256 FROM belay.ledger ORDER BY id DESC LIMIT 1")" \
        "$(tar -xOf "$(json path)" header.json | python3 -c 'import json, sys; print(json.load(sys.stdin)["schema_hash"])')"
}

begin "the ledger records the schema of the restored database, and what a trigger makes of it when it is stamped"
recorded_schema_is_right
sql bank "CREATE FUNCTION grow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN CREATE TABLE IF NOT EXISTS grown (); RETURN NULL; END'" \
    "CREATE TRIGGER grow AFTER INSERT ON alembic_version FOR EACH STATEMENT EXECUTE FUNCTION grow()"
belay 0 snapshot --json
belay 0 restore "$(json id)" --yes
sql_is bank "SELECT to_regclass('grown')" grown
recorded_schema_is_right
belay 0 restore "$first" --yes
same_as_before
tidy

begin "killed while a dropped database is restored: recover, and again"
sql postgres 'DROP DATABASE bank WITH (FORCE)'
if [ -e "$BELAY_TESTS/killer.so" ]; then
    cp "$BELAY_TESTS/killer.so" "$WORK/killer.so" # LD_PRELOAD cannot hold a path with a space
    for act in restore restore.name; do
        LD_PRELOAD=$WORK/killer.so KILLER_LOG=$WORK/records "$BELAY" restore "$first" >"$OUT" 2>"$ERR" </dev/null
        at=$(grep -n "\"kind\":\"intent\",\"act\":\"$act\"" "$(newest backups journal.ndjson)" | cut -d: -f1)
        sql postgres 'DROP DATABASE bank WITH (FORCE)'
        status=0
        { LD_PRELOAD=$WORK/killer.so KILLER_AT=$at KILLER_WHEN=after "$BELAY" restore "$first" >"$OUT" 2>"$ERR" </dev/null; } 2>/dev/null || status=$?
        equals "status of the killed run" "$status" 137
        belay 5 restore "$first"
        belay 0 recover
        if [ "$act" = restore.name ]; then # only the name was missing
            same_as_before
            sql postgres 'DROP DATABASE bank WITH (FORCE)'
        fi
        equals "databases" "$(databases | grep -v failed)" bank_before
        equals "sessions" "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%belay%'")" 0
    done
fi
belay 0 restore "$first" --yes
same_as_before
tidy

begin "a flipped bit in the snapshot: nothing is changed, the archive is named"
python3 - "backups/dev/$first.tar" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(-200000, 2) if f.seek(0, 2) > 200000 else f.seek(f.tell() // 2)
    at = f.tell(); byte = f.read(1); f.seek(at); f.write(bytes([byte[0] ^ 1]))
PYTHON
run_json 1 restore "$first" --yes --json
json_is outcome untouched
json error.message | grep "$first" >/dev/null || fail "the snapshot is not named"
same_as_before
tidy

begin "a read-only database without a version table, whose search_path leads nowhere: it comes back as it was"
sql postgres "CREATE DATABASE bare"
write_project bare development
sql bare "CREATE TABLE public.kept AS SELECT 1 AS a" "ALTER DATABASE bare SET search_path = nowhere" "ALTER DATABASE bare SET default_transaction_read_only = on"
belay 0 snapshot --json
before=$(schema_hash bare)
belay 0 restore "$(json id)" --yes
equals "schema" "$(schema_hash bare)" "$before"
sql_is bare "SELECT count(*) FROM pg_namespace WHERE nspname = 'belay'" 0
sql_is bare "SELECT a FROM public.kept" 1

begin "a read-only one with revisions"
sql postgres "ALTER DATABASE bare RESET search_path"
PGOPTIONS="-c default_transaction_read_only=off" sql bare "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)" "INSERT INTO alembic_version VALUES ('aaaa00000001')"
belay 0 snapshot --json
belay 0 restore "$(json id)" --yes
sql_is bare "SELECT version_num FROM alembic_version" aaaa00000001
sql_is bare "SHOW default_transaction_read_only" on
