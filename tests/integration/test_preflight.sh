#!/bin/bash
# Pre-flight: each finding is provoked on a real server, told with what to do, refuses a deploy where it must, and leaves
# no scratch database behind.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
CLUSTER_CONF='max_prepared_transactions = 4' start_cluster
PROJECT_KEYS='gate = rename' make_empty_project bank
export POSTGRES_HOST=$PGHOST POSTGRES_USER=postgres POSTGRES_DB=bank

# verdict NAME: the worst of that check in $OUT
verdict() {
    python3 - "$OUT" "$1" <<'PYTHON'
import json, sys
order = ["ok", "warn", "refuse"]
found = [c["verdict"] for c in json.load(open(sys.argv[1]))["checks"] if c["name"] == sys.argv[2]]
print(max(found, key=order.index) if found else "(not looked at)")
PYTHON
}

# finds VERDICT NAME TEXT: preflight has that finding, and its exit status goes with its verdict
finds() {
    local status=0
    [ "$1" = refuse ] && status=3
    belay "$status" preflight --json
    json_is verdict "$1"
    equals "check $2" "$(verdict "$2")" "$1"
    out_has "$3"
    equals "databases" "$(databases)" "$(printf 'bank\n%s' "${OTHERS:-}" | sed '/^$/d')"
}

add_migration a1 "" "Create accounts" >/dev/null <<'SQL'
CREATE TABLE accounts (id int PRIMARY KEY, name text NOT NULL);
-- belay: downgrade
DROP TABLE accounts;
SQL
belay 0 deploy
add_migration a2 a1 "Add a column" >/dev/null <<'SQL'
ALTER TABLE accounts ADD COLUMN opened date;
-- belay: downgrade
ALTER TABLE accounts DROP COLUMN opened;
SQL

begin "all is well"
finds ok server_version '"rights"'
belay 0 preflight dev
out_has "ok      rights"
err_has 'pre-flight: database "bank" on '"$PGHOST"
equals "nothing was changed" "$(sql bank "SELECT version_num FROM alembic_version")" a1

begin "a prepared transaction"
sql bank "BEGIN; INSERT INTO accounts VALUES (1, 'one'); PREPARE TRANSACTION 'left over'"
finds refuse prepared_transactions "ROLLBACK PREPARED 'left over'"
belay 3 deploy
err_has "prepared transaction 'left over' of postgres"
sql_is bank "SELECT version_num FROM alembic_version" a1
sql bank "ROLLBACK PREPARED 'left over'"

begin "an invalid index"
sql bank "INSERT INTO accounts VALUES (1, 'same'), (2, 'same')"
psql -X -q -d bank -c "CREATE UNIQUE INDEX CONCURRENTLY accounts_name ON accounts (name)" 2>/dev/null && fail "no invalid index"
finds warn invalid_indexes "index accounts_name is invalid"
sql bank "DROP INDEX accounts_name"

begin "a logical replication slot, unless it is dealt with"
sql bank "SELECT pg_create_logical_replication_slot('feed', 'pgoutput')" >/dev/null
finds refuse followers "logical replication slot feed reads this database"
belay 0 preflight --ignore-followers
sql bank "SELECT pg_drop_replication_slot('feed')" >/dev/null

begin "a subscription"
sql bank "CREATE SUBSCRIPTION sub CONNECTION 'host=/nowhere dbname=x' PUBLICATION p WITH (connect = false)"
sql bank "UPDATE pg_subscription SET subenabled = true"
belay 3 preflight --json
out_has "subscription sub writes to this database"
sql bank "ALTER SUBSCRIPTION sub DISABLE" "ALTER SUBSCRIPTION sub SET (slot_name = NONE)" "DROP SUBSCRIPTION sub"

begin "a session with a lock, and one that waits for it"
mkfifo "$WORK/in"
psql -X -q -d bank <"$WORK/in" >/dev/null 2>&1 &
exec 7>"$WORK/in"
echo "BEGIN; LOCK TABLE accounts;" >&7
locked() { [ "$(sql bank "SELECT count(*) FROM pg_locks WHERE relation = 'accounts'::regclass AND granted")" = 1 ]; }
wait_until locked
psql -X -q -d bank -c "SELECT * FROM accounts" >/dev/null 2>&1 &
waiting() { [ "$(sql bank "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")" = 1 ]; }
wait_until waiting
finds warn blocked "waits for a lock that process"
echo "ROLLBACK;" >&7
exec 7>&-
wait

begin "an edited file is refused by name"
file=$(echo migrations/*_a1_*.sql)
cp "$file" "$WORK/kept.sql"
sed -i 's/name text NOT NULL/name text/' "$file"
finds refuse revisions "a1"
json_is error.code applied_edited
cp "$WORK/kept.sql" "$file"

begin "two heads"
other=$(add_migration b2 a1 "Another branch" <<<"SELECT 1;")
belay 3 preflight --json
equals "check plan" "$(verdict plan)" refuse
out_has "belay merge"
rm "$other"

begin "a database ahead of the files"
sql bank "UPDATE alembic_version SET version_num = 'f0f0'"
belay 3 preflight --json
out_has "f0f0"
out_has "older than the database"
sql bank "UPDATE alembic_version SET version_num = 'a1'"

begin "a schema changed by hand"
sql bank "ALTER TABLE accounts ADD COLUMN byhand int"
finds warn revisions "schema"
sql bank "ALTER TABLE accounts DROP COLUMN byhand"

begin "files that git does not know"
git init -q . && git -c user.name=t -c user.email=t@example.com commit -q --allow-empty -m start
finds warn tracked "git does not track the pending file 20260101_0000_a2_add_a_column.sql"
git add migrations && git -c user.name=t -c user.email=t@example.com commit -q -m "Add migrations"
finds ok tracked '"tracked"'
rm -rf .git

begin "a role without rights, and what to grant"
sql postgres "CREATE ROLE deployer LOGIN"
sed -i 's/^user = .*/user = deployer/' belay.ini
belay 3 preflight --json
equals "check ownership" "$(verdict ownership)" refuse
equals "check rights" "$(verdict rights)" refuse
equals "check readable" "$(verdict readable)" refuse
out_has "ALTER ROLE deployer CREATEDB"
out_has "ALTER DATABASE bank OWNER TO deployer"
out_has "GRANT pg_read_all_data TO deployer"
equals "databases" "$(databases)" bank
sql postgres "ALTER ROLE deployer CREATEDB" "ALTER DATABASE bank OWNER TO deployer" "GRANT pg_read_all_data TO deployer"
sql bank "GRANT ALL ON ALL TABLES IN SCHEMA public TO deployer"
belay 0 preflight

begin "an extension that the role cannot recreate, unless a twin alone is the way back"
sql bank "CREATE EXTENSION pageinspect" 2>/dev/null || skip "no contrib extensions"
belay 3 preflight --json
out_has "cannot recreate extension pageinspect"
printf 'way_back = twin\nsnapshot = no\n' >"$WORK/keys"
sed -i "/^user = deployer/r $WORK/keys" belay.ini
belay 0 preflight
sed -i '/^way_back = twin/d; /^snapshot = no/d' belay.ini
sql bank "DROP EXTENSION pageinspect"
sed -i 's/^user = .*/user = postgres/' belay.ini

begin "a maintenance window"
sed -i "/^user = postgres/a window = $(LC_ALL=C date -u -d '+2 days' +%a) 01:00-02:00 UTC" belay.ini
finds refuse window "outside of the maintenance window"
sed -i 's/^window = .*/window = 00:00-12:00 UTC, 12:00-00:00 UTC/' belay.ini
finds ok window '"window"'
sed -i 's/^window = .*/window = now and then/' belay.ini
belay 2 preflight
sed -i '/^window = /d' belay.ini

begin "production wants a yes"
sed -i 's/^environment = .*/environment = production/' belay.ini
belay 3 deploy
err_has "a production target wants --yes"
sql_is bank "SELECT version_num FROM alembic_version" a1
sed -i 's/^environment = .*/environment = development/' belay.ini

begin "a lock table too small for all relations"
sql postgres "ALTER SYSTEM SET max_locks_per_transaction = 10" "ALTER SYSTEM SET max_connections = 25"
crash_cluster && restart_cluster
for hundred in 0 1 2 3; do
    sql bank "DO \$\$ BEGIN FOR i IN 1..100 LOOP EXECUTE format('CREATE TABLE many_${hundred}_%s (x int)', i); END LOOP; END \$\$"
done
finds refuse lock_table "max_locks_per_transaction"

begin "the target is busy"
mkfifo "$WORK/in2"
"$BELAY_TESTS/gate_driver" "host=$PGHOST user=postgres dbname=bank" bank 20251104T123400Z-3f2a9c pid wait >"$WORK/first" <"$WORK/in2" &
exec 7>"$WORK/in2"
wait_until grep -q '^ok pid' "$WORK/first"
belay 6 preflight
exec 7>&-
wait || true
equals "databases" "$(databases)" bank
