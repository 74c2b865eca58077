#!/bin/bash
# What only newer servers have: it is in snapshots, comes back, and is compared; and the way from one major version to another:
# up is fine, down is refused before anything is touched. Skipped where npm's servers are not to be had.
oldest=$("${BELAY_SOURCE:?}/tests/support/server_of.sh" 14) && newest=$("$BELAY_SOURCE/tests/support/server_of.sh" 18) || exit 77
export BELAY_PG_BIN=$newest
source "$BELAY_SOURCE/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
DRIVER=${BELAY_TESTS:?}/restore_driver
start_cluster
PROJECT_KEYS="gate = rename" make_empty_project bank
add_migration aaaa00000001 "" "What only 18 has" >"$WORK/file" <<'SQL'
CREATE COLLATION backwards (provider = icu, locale = 'und', rules = '&b < a');
CREATE COLLATION built_in (provider = builtin, locale = 'C.UTF-8');
CREATE COLLATION spare (provider = icu, locale = 'und', rules = '&b < a');
CREATE TABLE people (
    id integer PRIMARY KEY,
    name text,
    loud text GENERATED ALWAYS AS (upper(name)) VIRTUAL,
    long integer GENERATED ALWAYS AS (length(name)) STORED,
    CONSTRAINT short CHECK (length(name) < 3) NOT ENFORCED
);
INSERT INTO people (id, name) SELECT i, nullif('name ' || i, 'name 7') FROM generate_series(1, 50) i;
ALTER TABLE people ADD CONSTRAINT named NOT NULL name NOT VALID;
CREATE TABLE stays (room int4range, during daterange, person integer, PRIMARY KEY (room, during WITHOUT OVERLAPS),
    CONSTRAINT somebody FOREIGN KEY (person) REFERENCES people NOT ENFORCED);
INSERT INTO stays VALUES ('[1,2)', '[2026-01-01,2026-02-01)', 999);
CREATE TABLE letters (a text COLLATE backwards, b text COLLATE built_in, c text GENERATED ALWAYS AS (upper(b)) VIRTUAL);
INSERT INTO letters VALUES ('a', 'b'), ('c', 'd');
CREATE PUBLICATION computed FOR TABLE people WITH (publish_generated_columns = stored);
SQL
belay 0 upgrade head

begin "18: a snapshot holds it all, is proven, and comes back"
belay 0 snapshot --json
id=$(json id)
belay 0 prove "$id"
before=$(state_of bank)
sql postgres "CREATE DATABASE original TEMPLATE bank"
sql bank "DELETE FROM stays" "ALTER TABLE people DROP COLUMN loud"
run_json 0 restore "$id" --yes --json
equals "state" "$(state_of bank)" "$before"
sql_is bank "SELECT loud, long FROM people WHERE id = 3" "NAME 3|6"
sql_is bank "SELECT conname, convalidated FROM pg_constraint WHERE contype = 'n' AND conrelid = 'people'::regclass AND conname = 'named'" "named|f"

begin "18: an older pg_dump is refused by name where a snapshot is taken, and not missed where none is"
older=$oldest/pg_dump
add_migration bbbb00000002 aaaa00000001 "One more column" >"$WORK/file" <<<"ALTER TABLE people ADD COLUMN note text;"
BELAY_PG_DUMP=$older belay 1 snapshot --json
json error.message | grep -F "$older is of version 15, older than the server's 18" >/dev/null || fail "not the versions"
json error.hint | grep -F "postgresql-client-18" >/dev/null || fail "not what to install"
BELAY_PG_DUMP=$older run_json 3 deploy --yes --json
json error.message | grep -F "older than the server's 18" >/dev/null || fail "not the versions"
BELAY_PG_DUMP=$older belay 3 doctor
out_has "older than the server's 18"
PROJECT_KEYS=$'gate = rename\nsnapshot = no' write_project bank development
BELAY_PG_DUMP=$older run_json 0 deploy --yes --json
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002

begin "18: the comparison sees each difference"
sees() {
    sql postgres "DROP DATABASE IF EXISTS damaged" "CREATE DATABASE damaged TEMPLATE original"
    sql damaged "$@"
    "$DRIVER" compare backups dev "$id" damaged >"$OUT" 2>"$ERR" || fail "no comparison"
    out_has "schema"
}
"$DRIVER" compare backups dev "$id" original >"$OUT" 2>"$ERR" || fail "no comparison"
out_is equal
sees "ALTER TABLE letters ALTER COLUMN c SET EXPRESSION AS (lower(b))"
sees "ALTER TABLE people ALTER COLUMN name DROP NOT NULL"
sees "UPDATE people SET name = '' WHERE name IS NULL" "ALTER TABLE people VALIDATE CONSTRAINT named"
sees "ALTER TABLE people RENAME CONSTRAINT named TO renamed"
sees "ALTER TABLE people DROP CONSTRAINT short"
sees "ALTER TABLE stays ALTER CONSTRAINT somebody DEFERRABLE"
sees "DROP COLLATION spare" "CREATE COLLATION spare (provider = icu, locale = 'und', rules = '&c < a')"
sees "DROP COLLATION spare" "CREATE COLLATION spare (provider = icu, locale = 'de', rules = '&b < a')"
sees "DROP COLLATION spare" "CREATE COLLATION spare (provider = builtin, locale = 'C.UTF-8')"
sees "ALTER PUBLICATION computed SET (publish_generated_columns = none)"

begin "18's snapshot is refused by a server of 14, by name, and nothing is touched there"
PATH=$oldest:$PATH BELAY_PG_BIN=$oldest start_cluster old
sql postgres "CREATE DATABASE bank"
sql bank "CREATE TABLE mine AS SELECT 1 AS x"
sed -i "s|^host = .*|host = $PGHOST|" belay.ini
run_json 3 restore "$id" --yes --json
json_is outcome refused
json_is error.code preflight
json error.message | grep -F "the snapshot comes from PostgreSQL 18, the server at" >/dev/null || fail "the versions are not named"
json error.message | grep -F "is PostgreSQL 14: a newer server's snapshot does not go into an older one" >/dev/null || fail "not why"
json error.hint | grep -F "restore it into a server of version 18 or newer" >/dev/null || fail "not what to do"
json stages | grep -q build && fail "a new database was begun"
equals "databases" "$(databases)" bank
sql_is bank "SELECT x FROM mine" 1
sql_is bank "SELECT count(*) FROM pg_namespace WHERE nspname = 'belay'" 0

begin "14's snapshot goes into 18"
PATH=$oldest:$PATH
sql bank "CREATE COLLATION german (provider = icu, locale = 'de')" "INSERT INTO mine VALUES (2)"
BELAY_PG_BIN=$oldest belay 0 snapshot --json
id=$(json id)
PATH=$newest:$PATH
PGHOST=$(cluster_host pg)
sed -i "s|^host = .*|host = $PGHOST|" belay.ini
sql postgres "DROP DATABASE damaged" "DROP DATABASE original"
run_json 0 restore "$id" --yes --json
sql_is bank "SELECT sum(x) FROM mine" 3
sql_is bank "SELECT collprovider FROM pg_collation WHERE collname = 'german'" i
