#!/bin/bash
# Restorability lint: what would stand in a restore's way is named when the snapshot is written.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project bank staging

# finding VERDICT CHECK TEXT...: one finding of that check and verdict has all of the texts, in message or hint.
finding() {
    python3 - "$OUT" "$@" <<'PYTHON' || fail "no such finding: $*"
import json, sys
path, verdict, name, *texts = sys.argv[1:]
checks = json.load(open(path))["lint"]["checks"]
sys.exit(not any(c["name"] == name and c["verdict"] == verdict and all(t in c["message"] + "\n" + c["hint"] for t in texts)
                 for c in checks))
PYTHON
}
whole() { equals "databases" "$(databases)" bank; }
heard() { [ "$(psql -X -At -d postgres -c "SELECT source FROM pg_settings WHERE name = 'default_table_access_method'")" = "configuration file" ]; }

begin "a plain database: every check is fine, nothing is said, no scratch database stays"
sql bank "CREATE TABLE accounts (id integer PRIMARY KEY, owner text NOT NULL)" "INSERT INTO accounts VALUES (1, 'a'), (2, 'b')"
belay 0 snapshot --json
json_is lint.verdict ok
for check in lint_functions lint_constraints lint_collations lint_restore; do finding ok "$check" fine; done
equals "stderr" "$(grep -c -i warn "$ERR" || true)" 0
whole

begin "the same schema again: not tried again, and said; what asks the source goes on"
first=$(json id)
sql bank "INSERT INTO accounts VALUES (3, 'c')"
belay 0 snapshot --json
json_is lint.verdict ok
finding ok lint_restore "as of snapshot $first"
finding ok lint_constraints fine
err_has "lint: as of snapshot $first"
sql bank "ALTER TABLE accounts ADD CONSTRAINT few CHECK (id < 3) NOT VALID"
belay 0 snapshot --json
finding warn lint_constraints "rows violate constraint few"
finding ok lint_restore fine
after=$(json id)
belay 0 snapshot --json
finding warn lint_constraints "rows violate constraint few"
finding ok lint_restore "as of snapshot $after"
sql bank "ALTER TABLE accounts DROP CONSTRAINT few" "DELETE FROM accounts WHERE id = 3"

begin "what a restore may rest on has changed: tried again"
# tried_again: the next snapshot is, and the one after it is not
tried_again() {
    belay 0 snapshot --json
    finding ok lint_restore fine || fail "after: $1"
    belay 0 snapshot --json
    finding ok lint_restore "as of snapshot"
}
tried_again "a constraint less"
sql bank "COMMENT ON TABLE accounts IS 'said'"
tried_again "DDL that is no part of the schema's description"
sql postgres "CREATE ROLE somebody"
tried_again "a role"
sql postgres "GRANT pg_monitor TO somebody"
tried_again "a membership"
sql postgres "ALTER SYSTEM SET default_table_access_method = 'heap'" "SELECT pg_reload_conf()" >/dev/null
wait_until heard
tried_again "a setting"
sql bank "ALTER DATABASE bank CONNECTION LIMIT 50"
tried_again "the database's own state"
sed -i 's/^user = .*/&\nrole_map = nobody=somebody/' belay.ini
tried_again "role_map"
sed -i '/^role_map/d' belay.ini
belay 0 snapshot --json # and so it is what was remembered last
sed -i 's/"snapshot": *"[0-9]*T/"snapshot": "20200101T/' backups/dev/lint.json
tried_again "time"
echo "no JSON" >backups/dev/lint.json
tried_again "the file"
belay 0 prove "$(json id)"

begin "functions that rely on the search_path, in an index, a check, a generated column, a materialized view, through a view"
sql bank "CREATE SCHEMA app" "CREATE TABLE words (word text)" "CREATE TYPE app.mood AS ENUM ('ok')" "CREATE FUNCTION app.twice(n integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT n * 2'" \
    "ALTER DATABASE bank SET search_path = app, public"
# Made first as they should be: since version 17 the server itself builds indexes and views with an empty search_path.
sql bank "CREATE FUNCTION app.by_index(t text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT t'" \
    "CREATE FUNCTION app.by_check(n integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'" \
    "CREATE FUNCTION app.by_column(n integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT n'" \
    "CREATE FUNCTION app.by_view() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT 1::bigint'"
sql bank "CREATE INDEX accounts_odd ON accounts (app.by_index(owner))" \
    "ALTER TABLE accounts ADD CHECK (by_check(id)), ADD n integer GENERATED ALWAYS AS (by_column(id)) STORED" \
    "CREATE VIEW between_them AS SELECT app.by_view() AS n" "CREATE MATERIALIZED VIEW counted AS SELECT n FROM between_them" \
    "CREATE OR REPLACE FUNCTION app.by_index(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT word FROM words WHERE word = t); END'" \
    "CREATE OR REPLACE FUNCTION app.by_check(n integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN twice(n) > 0; END'" \
    "CREATE OR REPLACE FUNCTION app.by_column(n integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM ''ok''::mood; RETURN n; END'" \
    "CREATE OR REPLACE FUNCTION app.by_view() RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM accounts); END'"
belay 0 snapshot --json
json_is lint.verdict warn
finding warn lint_functions "app.by_index(text)" "index public.accounts_odd" "names words without" "public.words"
finding warn lint_functions "app.by_check(integer)" "table public.accounts" "names twice" "SET search_path = app"
finding warn lint_functions "app.by_column(integer)" "generated column n" "names mood"
finding warn lint_functions "app.by_view()" "materialized view app.counted" "names accounts"
belay 0 snapshot
err_has "app.by_index(text)"
belay 0 snapshot --no-lint --json
err_lacks "app.by_index(text)"
! grep -q '"lint"' "$OUT" || fail "--no-lint has lint"

begin "and functions that do not: a search_path of their own, parsed bodies, qualified names, comments"
sql bank "ALTER FUNCTION app.by_index SET search_path = public" "ALTER FUNCTION app.by_view SET search_path = public, app" \
    "DROP MATERIALIZED VIEW app.counted" "ALTER TABLE accounts DROP COLUMN n" "SET search_path = app, public;
    CREATE OR REPLACE FUNCTION app.by_check(n integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN -- not twice(n)
        RETURN app.twice(n) > 0; /* FROM accounts */ END'" \
    "SET search_path = app, public; CREATE FUNCTION app.parsed(n integer) RETURNS integer IMMUTABLE RETURN twice(n); CREATE INDEX ON accounts (parsed(id))"
belay 0 snapshot --json
finding ok lint_functions fine

begin "constraints that rows violate"
sql bank "CREATE TABLE moves (id integer, account integer, amount integer)" "INSERT INTO moves VALUES (1, 1, 5), (2, 77, -5), (3, NULL, 0)" \
    "ALTER TABLE moves ADD CONSTRAINT moves_fk FOREIGN KEY (account) REFERENCES accounts NOT VALID" \
    "ALTER TABLE moves ADD CONSTRAINT moves_positive CHECK (amount >= 0) NOT VALID" \
    "ALTER TABLE moves ADD CONSTRAINT moves_small CHECK (amount < 100) NOT VALID"
belay 0 snapshot --json
finding warn lint_constraints "rows violate constraint moves_fk of table app.moves" "it is NOT VALID" "VALIDATE CONSTRAINT"
finding warn lint_constraints "rows violate constraint moves_positive"
! grep -q moves_small "$OUT" || fail "no row violates moves_small"
sql bank "UPDATE moves SET account = 2, amount = 5 WHERE id = 2" "ALTER TABLE moves VALIDATE CONSTRAINT moves_fk"
belay 0 snapshot --json
finding ok lint_constraints fine
sql bank "ALTER TABLE accounts DISABLE TRIGGER ALL" "DELETE FROM accounts WHERE id = 2"
belay 0 snapshot --json
finding warn lint_constraints "rows violate constraint moves_fk" "its triggers are disabled" "NOT VALID, or leave it out"
sql bank "INSERT INTO accounts VALUES (2, 'b')" "ALTER TABLE accounts ENABLE TRIGGER ALL"

begin "collations whose library is another now"
sql bank "CREATE COLLATION german (provider = icu, locale = 'de')" "CREATE TABLE sorted (w text COLLATE german)" "CREATE INDEX ON sorted (w)" \
    "UPDATE pg_collation SET collversion = '1.0' WHERE collname = 'german'"
belay 0 snapshot --json
finding warn lint_collations "app.german" "1.0" "REFRESH VERSION"
sql bank "ALTER COLLATION german REFRESH VERSION" >/dev/null 2>&1
if [ "$(sql postgres "SHOW server_version_num")" -ge 150000 ]; then
    sql postgres "UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'bank'"
    belay 0 snapshot --json
    if [ -n "$(sql bank "SELECT pg_database_collation_actual_version(oid) FROM pg_database WHERE datname = 'bank'")" ]; then
        finding warn lint_database "REINDEX DATABASE bank"
    fi
    sql postgres "UPDATE pg_database SET datcollversion = NULL WHERE datname = 'bank'"
fi

if [ "$(sql postgres "SHOW server_version_num")" -ge 170000 ]; then
    begin "an event trigger that fires at logins"
    sql bank "CREATE FUNCTION app.greet() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'" \
        "CREATE EVENT TRIGGER greeting ON login EXECUTE FUNCTION app.greet()" "ALTER EVENT TRIGGER greeting ENABLE ALWAYS"
    belay 0 snapshot --json
    finding warn lint_login greeting "app.greet()"
    sql bank "DROP EVENT TRIGGER greeting"
fi

begin "a schema that cannot be restored: the snapshot is kept, and the exit status says so"
sql bank "CREATE FUNCTION app.grown(t text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT t'" \
    "CREATE INDEX accounts_grown ON accounts (app.grown(owner))" \
    "SET check_function_bodies = off; CREATE OR REPLACE FUNCTION app.grown(t text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lowered(t)'"
belay 1 snapshot --json
json_is error.code verify
finding refuse lint_restore "accounts_grown" "tried without rows"
equals "snapshots kept" "$(find backups -name "$(json id).tar" | wc -l)" 1
belay 1 snapshot
err_has "is kept, but cannot be restored"
whole

begin "such a schema refuses a deploy whose only way back is the snapshot, and with a twin is a warning in production"
sed -i 's/^store = .*/store = local\ngate = rename\nway_back = verified/' belay.ini
add_migration aaaa00000001 "" "Nothing" >"$WORK/file" <<<'CREATE TABLE nothing ();'
belay 3 deploy
err_has "accounts_grown"
sql_is bank "SELECT to_regclass('nothing') IS NULL" t
whole
sed -i 's/^way_back = .*/way_back = twin/; s/^environment = .*/environment = production/' belay.ini
belay 0 deploy --yes
err_has "accounts_grown"
sql_is bank "SELECT to_regclass('nothing') IS NULL" f
sql bank "DROP INDEX accounts_grown"

begin "a role that may not create databases: it says that it was not tried"
sql postgres "CREATE ROLE reader LOGIN" "GRANT pg_read_all_data TO reader"
sed -i 's/^user = .*/user = reader/' belay.ini
belay 0 snapshot --json
finding warn lint_restore "was not tried" "CREATEDB"
whole
