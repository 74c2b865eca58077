#!/bin/bash
# Pre-flight, rights: what a role may not do is found by trying it, and the advice is the statement that helps.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/preflight_lib.sh"
start_cluster
preflight_project
sql postgres "CREATE ROLE deployer LOGIN" "CREATE ROLE app LOGIN"
sed -i 's/^user = .*/user = deployer/' belay.ini

begin "a role without any right, and what to grant"
belay 3 preflight --json
finding refuse ownership "does not own database bank" "ALTER DATABASE bank OWNER TO deployer"
finding refuse ownership "may not create databases" "ALTER ROLE deployer CREATEDB"
finding refuse rights "permission denied to create database"
finding refuse readable "accounts" "GRANT pg_read_all_data TO deployer"
finding refuse owners "postgres"
sql bank "GRANT SELECT ON alembic_version TO deployer"
belay 3 deploy
err_has "permission denied to create database"
equals "databases" "$(databases)" bank

begin "CREATEDB alone: ownership is missing, and the tried database says so"
sql postgres "ALTER ROLE deployer CREATEDB"
belay 3 preflight --json
finding refuse ownership "does not own database bank"
finding refuse rights "trying to create, reach, rename and drop database" "superuser"
equals "databases" "$(databases)" bank

begin "an owner with CREATEDB who may read and own everything"
sql bank "GRANT ALL ON SCHEMA public TO deployer" "GRANT ALL ON SCHEMA belay TO deployer"
sql postgres "ALTER DATABASE bank OWNER TO deployer" "GRANT pg_read_all_data TO deployer"
finds refuse owners "could not give" "GRANT postgres TO deployer"
for thing in "TABLE accounts" "TABLE alembic_version" "SCHEMA belay"; do
    sql bank "ALTER $thing OWNER TO deployer"
done
sql bank "SELECT format('ALTER TABLE %s OWNER TO deployer;', oid::regclass) FROM pg_class WHERE relnamespace = 'belay'::regnamespace AND relkind IN ('r', 'p')" >"$WORK/alter.sql"
sql_file bank "$WORK/alter.sql"
belay 0 preflight --json
equals "check owners" "$(verdict owners)" ok
equals "check rights" "$(verdict rights)" ok

begin "sessions of others that could not be ended: who might come, and who is there"
finding warn sessions "app" "GRANT pg_signal_backend TO deployer"
mkfifo "$WORK/in"
psql -X -q -U app -d bank <"$WORK/in" >/dev/null 2>&1 &
exec 7>"$WORK/in"
there() { [ "$(sql bank "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'")" = 1 ]; }
wait_until there
finds refuse sessions "sessions are connected that role deployer may not end" "pg_signal_backend"
belay 3 deploy
sql_is bank "SELECT version_num FROM alembic_version" a1
sql postgres "GRANT pg_signal_backend TO deployer"
finds ok sessions fine
exec 7>&-
wait

begin "ending sessions is tried: the right to call pg_terminate_backend"
sql postgres "REVOKE EXECUTE ON FUNCTION pg_terminate_backend FROM PUBLIC"
finds refuse rights "pg_terminate_backend"
sql postgres "GRANT EXECUTE ON FUNCTION pg_terminate_backend TO PUBLIC"

begin "pg_hba lets nobody reach a database of another name"
hba=$(sql postgres "SHOW hba_file")
cp "$hba" "$WORK/hba"
sed -i '1i local bank,postgres all trust\nlocal all deployer reject' "$hba"
sql postgres "SELECT pg_reload_conf()" >/dev/null
finds refuse rights "pg_hba.conf"
cp "$WORK/hba" "$hba"
sql postgres "SELECT pg_reload_conf()" >/dev/null
reached() { psql -X -q -U deployer -d template1 -c "SELECT 1" >/dev/null 2>&1; }
wait_until reached
finds ok rights fine

begin "a template: what is tried is one too, and goes away all the same"
sql postgres "ALTER DATABASE bank IS_TEMPLATE true"
belay 0 preflight --json
equals "check rights" "$(verdict rights)" ok
sql postgres "ALTER DATABASE bank IS_TEMPLATE false"
equals "databases" "$(databases)" bank
sql_is postgres "SELECT count(*) FROM pg_database WHERE datistemplate" 2

begin "a setting of the database that the role may not give"
sql postgres "ALTER DATABASE bank SET log_statement = 'all'"
finds refuse rights "log_statement" "superuser"
sql postgres "ALTER DATABASE bank RESET log_statement"

begin "the limits of role, database and server"
sed -i '/^user = /a jobs = 1' belay.ini
sql postgres "ALTER ROLE deployer CONNECTION LIMIT 5"
finds refuse connections "role deployer may have 5 connections" "ALTER ROLE deployer CONNECTION LIMIT 6"
sql postgres "ALTER ROLE deployer CONNECTION LIMIT 6"
finds ok connections fine
sql postgres "ALTER DATABASE bank CONNECTION LIMIT 3"
finds refuse connections "database bank takes 3 connections" "ALTER DATABASE bank CONNECTION LIMIT 4"
sql postgres "ALTER DATABASE bank CONNECTION LIMIT 4"
belay 0 deploy
belay 0 downgrade -1
sql postgres "ALTER ROLE deployer CONNECTION LIMIT -1" "ALTER DATABASE bank CONNECTION LIMIT -1"

begin "what the role cannot read: a schema, rows behind a policy"
sql postgres "REVOKE pg_read_all_data FROM deployer"
sql bank "CREATE SCHEMA vault" "CREATE TABLE vault.gold (x int)" "GRANT SELECT ON vault.gold TO deployer" \
    "ALTER TABLE vault.gold OWNER TO app" "GRANT app TO deployer"
sql postgres "ALTER ROLE deployer NOINHERIT"
belay 3 preflight --json
finding refuse readable "vault.gold"
sql postgres "ALTER ROLE deployer INHERIT"
sql bank "GRANT USAGE ON SCHEMA vault TO deployer" "ALTER SCHEMA vault OWNER TO app"
belay 0 preflight --json
sql bank "CREATE POLICY few ON vault.gold USING (x > 1)" "ALTER TABLE vault.gold ENABLE ROW LEVEL SECURITY" \
    "ALTER TABLE vault.gold FORCE ROW LEVEL SECURITY"
finds refuse readable "policies hide rows of vault.gold" "BYPASSRLS"
sql postgres "ALTER ROLE deployer BYPASSRLS"
finds ok readable fine
sql bank "DROP SCHEMA vault CASCADE"

begin "options of a user mapping, others' large objects"
sql bank "CREATE EXTENSION postgres_fdw" "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw" \
    "CREATE ROLE stranger" "CREATE USER MAPPING FOR stranger SERVER far OPTIONS (user 'u', password 'p')" \
    "SELECT lo_create(4711)" >/dev/null
belay 3 preflight --json
finding refuse recreatable "user mapping for stranger on server far" "way_back = twin"
finding refuse recreatable "1 large objects belong to other roles"
finding refuse recreatable "extension postgres_fdw"

begin "what only a superuser could recreate"
sql bank "CREATE FUNCTION noticed() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'" \
    "CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION noticed()" "ALTER FUNCTION noticed OWNER TO deployer" \
    "CREATE PUBLICATION everything FOR ALL TABLES" \
    "CREATE SUBSCRIPTION sub CONNECTION 'host=/nowhere dbname=x' PUBLICATION p WITH (connect = false)" 2>/dev/null
belay 3 preflight --json
finding refuse recreatable "event trigger watcher, publication everything of all tables, subscription sub"

begin "a twin alone is the way back: all of that stays where it is"
set_key way_back twin
set_key snapshot no
belay 3 preflight --json # of the subscription that follows
finding ok recreatable fine
unset_key way_back
unset_key snapshot
sql bank "DROP EVENT TRIGGER watcher" "DROP PUBLICATION everything" "ALTER SUBSCRIPTION sub SET (slot_name = NONE)" \
    "DROP SUBSCRIPTION sub" "DROP EXTENSION postgres_fdw CASCADE" "SELECT lo_unlink(4711)" >/dev/null 2>&1
finds ok recreatable fine

begin "disabled triggers of a foreign key, which pg_dump does not have"
sql bank "CREATE TABLE refers (account int CONSTRAINT refers_to REFERENCES accounts)" "ALTER TABLE refers OWNER TO deployer" "ALTER TABLE refers DISABLE TRIGGER ALL"
finds warn recreatable "the triggers of foreign key refers_to of table refers are disabled" "way_back = twin"
sql bank 'ALTER TABLE refers RENAME CONSTRAINT refers_to TO "refers
ok      to"'
belay 0 preflight
! grep -v -E '^(ok|warn|refuse)( |$)|^ ' "$OUT" >&2 || fail "a line begins with the rest of a name"
! grep -q '^ok      to' "$OUT" || fail "a name makes a finding"
sql bank "DROP TABLE refers"
finds ok recreatable fine

begin "a tablespace that the role may not use"
mkdir "$WORK/space"
[ "$(id -u)" != 0 ] || chown "$(stat -c %U "$WORK/pg/data")" "$WORK/space"
sql postgres "CREATE TABLESPACE fast LOCATION '$WORK/space'"
sql bank "ALTER TABLE accounts SET TABLESPACE fast"
finds refuse recreatable "accounts into tablespace fast" "GRANT CREATE ON TABLESPACE fast TO deployer"
sql postgres "GRANT CREATE ON TABLESPACE fast TO deployer"
finds ok recreatable fine
sql bank "ALTER TABLE accounts SET TABLESPACE pg_default"
sql postgres "DROP TABLESPACE fast"

begin "a role with all it needs deploys, and nothing of it is left"
belay 0 deploy
sql_is bank "SELECT version_num FROM alembic_version" a2
equals "databases" "$(databases)" bank
