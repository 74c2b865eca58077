#!/bin/bash
# "untouched" is known: what a migration writes through another session is found and restored, what wrote nothing is
# proven by row hashes; with a twin, a snapshot, and both.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project
source "$BELAY_SOURCE/tests/support/assess_lib.sh"

# PostgreSQL 14 counts sessions too late to go by them (docs/rollback.md): where something could have written, rows are compared.
counted=yes
[ "$(sql postgres "SHOW server_version_num")" -ge 150000 ] || counted=

begin "nothing to escape with: untouched without a comparison, and the report says how that is known"
fresh
ways both
pending_transaction
run_json 1 deploy --json
json_is outcome untouched
if [ -n "$counted" ]; then
    err_has "untouched: every transaction of the run was rolled back"
    belay 0 report last
    out_has "every transaction of the run was rolled back"
else
    err_has "untouched: every transaction on the server since then was rolled back"
fi
same_as_before
tidy

sql bank_before "CREATE EXTENSION dblink"
before=$(state_of bank_before)

begin "dblink is there, but was not used: untouched, without a comparison"
fresh
ways twin
pending_transaction
run_json 1 deploy --json
json_is outcome untouched
[ -z "$counted" ] || err_lacks "comparing"
same_as_before
tidy

for way in twin snapshot both; do
    begin "a write through dblink that a rollback does not undo: restored ($way)"
    fresh
    ways $way
    pending <<SQL
SELECT dblink_exec($db, 'DELETE FROM moves WHERE id = 7');
SELECT 1 / 0;
SQL
    run_json 4 deploy --json
    json_is outcome restored
    json_is error.sqlstate 22012
    [ -z "$counted" ] || err_has "sessions that belay did not open"
    err_has "moves"
    same_as_before
    tidy

    begin "another session that wrote elsewhere only: untouched, proven by row hashes ($way)"
    fresh
    ways $way
    pending <<SQL
SELECT $noise;
SELECT * FROM dblink($db, 'SELECT count(*) FROM moves') AS t (n bigint);
SELECT nextval('moves_id_seq');
DELETE FROM moves;
SELECT 1 / 0;
SQL
    run_json 1 deploy --json
    json_is outcome untouched
    json_is kept null
    err_has "untouched: proven by row hashes"
    assessed '"verdict":"none"'
    belay 0 report last
    out_has "row hashes"
    same_as_before
    tidy
done

begin "the schema and rights that another session changed: restored"
for change in 'ALTER TABLE accounts ADD COLUMN x int' 'GRANT SELECT ON accounts TO teller' \
    "COMMENT ON COLUMN accounts.owner IS \$\$x\$\$" 'TRUNCATE moves' \
    "SELECT lo_from_bytea(4711, \$\$x\$\$)" 'ALTER SEQUENCE moves_id_seq RESTART'; do
    fresh
    ways twin
    case $change in SELECT*) call="PERFORM * FROM dblink($db, '$change') AS t (n oid)" ;; *) call="PERFORM dblink_exec($db, '$change')" ;; esac
    pending <<SQL
DO \$do\$ BEGIN $call; END \$do\$;
SELECT 1 / 0;
SQL
    run_json 4 deploy --json
    json_is outcome restored
    same_as_before
    tidy
done

begin "an asynchronous write that would be committed after the failure ends first"
fresh
ways twin
pending <<SQL
SELECT dblink_connect('late', $db);
SELECT dblink_send_query('late', 'DELETE FROM moves; SELECT pg_sleep(300)');
SELECT 1 / 0;
SQL
belay 1 deploy
same_as_before
tidy

begin "COPY ... PROGRAM, from pieces that no reading of the file finds: restored"
fresh
ways snapshot
pending <<SQL
DO \$\$ BEGIN EXECUTE 'COPY (SELECT 1) TO PRO' || 'GRAM ''$psql_here ' || current_database() || ' -c "DELETE FROM moves WHERE id = 7"'''; END \$\$;
SELECT 1 / 0;
SQL
run_json 4 deploy --json
json_is outcome restored
same_as_before
tidy

begin "an extension that the failed transaction itself created"
sql bank_before "DROP EXTENSION dblink"
before=$(state_of bank_before)
fresh
ways twin
pending <<SQL
CREATE EXTENSION dblink;
SELECT dblink_exec($db, 'DELETE FROM moves WHERE id = 7');
SELECT 1 / 0;
SQL
run_json 4 deploy --json
json_is outcome restored
same_as_before
tidy

begin "a twin is compared with by no more connections than pre-flight made sure of"
# The run needs jobs + 4 at once, and the keeper has one already.
sql postgres "ALTER SYSTEM SET max_connections = 13" "ALTER SYSTEM SET superuser_reserved_connections = 0" "ALTER SYSTEM SET max_wal_senders = 0" "ALTER SYSTEM SET wal_level = 'replica'"
crash_cluster && restart_cluster
sql bank_before "CREATE EXTENSION dblink"
for i in $(seq 12); do sql bank_before "CREATE TABLE other_$i AS SELECT g AS id, repeat('x', 400) AS words FROM generate_series(1, 30000) g"; done
before=$(state_of bank_before)
fresh
ways both
sed -i '/^gate/a jobs = 8' belay.ini
pending <<SQL
SELECT $noise;
SELECT * FROM dblink($db, 'SELECT count(*) FROM moves') AS t (n bigint);
SELECT 1 / 0;
SQL
run_json 1 deploy --json
json_is outcome untouched
err_has "untouched: proven by row hashes"
same_as_before
tidy
