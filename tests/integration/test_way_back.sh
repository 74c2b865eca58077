#!/bin/bash
# What belay must not claim and must not lose: "untouched" after a hidden COMMIT, a stop without a gate, a database whose
# settings the role cannot set, a recovery that is pointed at another server, followers at a manual restore.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
PROJECT_KEYS="gate = rename" make_empty_project bank staging
add_migration aaaa00000001 "" "Make accounts" >"$WORK/file" <<'SQL'
CREATE TABLE accounts (id integer PRIMARY KEY);
INSERT INTO accounts SELECT generate_series(1, 100);
SQL
belay 0 upgrade head

begin "a string that the server ends earlier hides no COMMIT"
add_migration aaaa00000002 aaaa00000001 "Hide a COMMIT" >"$WORK/file" <<'SQL'
DELETE FROM accounts WHERE id > 50;
SELECT set_config('standard_conforming_strings', 'off', false);
SELECT 'x\' || '; COMMIT; BEGIN; SELECT 1 --';
SELECT 1/0;
SQL
belay 1 deploy
err_has "COMMIT"
sql_is bank "SELECT count(*) FROM accounts" 100
sed -i "s/^SELECT set_config.*/SET standard_conforming_strings = off;/" migrations/*aaaa00000002*
belay 2 deploy
err_has "\"COMMIT\" is refused"
sql_is bank "SELECT count(*) FROM accounts" 100
rm -f migrations/*aaaa00000002*

begin "settings of the role that end statements and sessions, or read arrays in another way, are not in a run's way"
sql bank "CREATE TABLE lists (a int[])" "INSERT INTO lists VALUES ('{1,NULL}')"
add_migration aaaa00000002 aaaa00000001 "Commit half" "Transaction: no" >"$WORK/file" <<'SQL'
DELETE FROM accounts WHERE id > 50;
SELECT 1/0;
SQL
sed 's/^gate = .*/gate = rename\nway_back = verified/' belay.ini >verified.ini
sql postgres "ALTER ROLE postgres SET array_nulls = off" "ALTER ROLE postgres SET idle_session_timeout = 100" \
    "ALTER ROLE postgres SET idle_in_transaction_session_timeout = 100" "ALTER ROLE postgres SET statement_timeout = 100"
belay 4 deploy -c verified.ini
export PGOPTIONS="-c statement_timeout=0"
sql postgres "ALTER ROLE postgres RESET ALL"
unset PGOPTIONS
sql_is bank "SELECT count(*), (SELECT a::text FROM lists) FROM accounts" "100|{1,NULL}"
sql bank "DROP TABLE lists"
rm -f migrations/*aaaa00000002* verified.ini

begin "a setting that the role cannot give back is refused before anything is changed"
add_migration aaaa00000002 aaaa00000001 "Commit half" "Transaction: no" >"$WORK/file" <<'SQL'
DELETE FROM accounts WHERE id > 50;
SELECT 1/0;
SQL
sql postgres "CREATE ROLE small LOGIN CREATEDB IN ROLE pg_read_all_data"
sql postgres "ALTER DATABASE bank OWNER TO small"
sql postgres "ALTER DATABASE bank SET log_min_duration_statement = 1000"
sed 's/^user = .*/user = small/' belay.ini >"$WORK/small.ini"
grep -q '^user = small' "$WORK/small.ini" || sed -i 's/^dbname = bank/&\nuser = small/' "$WORK/small.ini"
cp "$WORK/small.ini" small.ini
belay 3 deploy -c small.ini
err_has "log_min_duration_statement"
sql_is bank "SELECT count(*) FROM accounts" 100
sql postgres "ALTER DATABASE bank RESET log_min_duration_statement"

begin "a stop by policy stays open for a decision, with and without a gate"
for gate in rename none; do
    sed -i "s/^gate = .*/gate = $gate\non_failure = stop/" belay.ini
    belay 5 deploy
    belay 5 deploy
    err_has "unfinished"
    belay 0 recover --accept-loss
    sql_is bank "SELECT count(*) FROM accounts" 100
    sed -i '/^on_failure/d' belay.ini
done
sed -i "s/^gate = .*/gate = rename\non_failure = stop/" belay.ini

begin "a recovery touches no database of another server"
belay 5 deploy
oid=$(sql postgres "SELECT oid FROM pg_database WHERE datname ~ '^bank__belay_[0-9a-f]{6}\$'")
host=$PGHOST
start_cluster other
with_oid="OID $oid"
[ "$(sql postgres "SHOW server_version_num")" -ge 150000 ] || with_oid= # 14 gives no OID that is asked for
sql postgres "CREATE DATABASE victim $with_oid"
sed "s#$host#$PGHOST#g" belay.ini >other.ini
belay 5 recover --accept-loss -c other.ini
err_has "another server"
sql_is postgres "SELECT count(*) FROM pg_database WHERE datname = 'victim'" 1
PGHOST=$host
belay 0 recover --accept-loss
sql_is bank "SELECT count(*) FROM accounts" 100

begin "a restore asks about what follows the database"
belay 0 snapshot
id=$(basename "$(newest backups '*.tar')" .tar)
sql bank "SELECT pg_create_logical_replication_slot('reader', 'test_decoding')" >"$WORK/slot"
belay 3 restore "$id" --yes
err_has "reader"
belay 0 restore "$id" --yes --ignore-followers
