#!/bin/bash
# "untouched" is known: what a migration writes through another session is found and restored, what wrote nothing is
# proven by row hashes; with a twin, a snapshot, and both.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project
psql_here="psql -X -q -h $PGHOST -U postgres -d"
db="'host=$PGHOST user=postgres dbname=' || current_database()"

# Everything below begins from bank_before, which gets what the case needs; noise commits in another database, so that
# the server's transaction numbers alone prove nothing.
noise="dblink_exec('host=$PGHOST user=postgres dbname=postgres', 'CREATE TABLE IF NOT EXISTS t (i int); INSERT INTO t VALUES (1)')"
ways() {
    case $1 in
    twin) keys $'gate = rename\nway_back = twin\nsnapshot = no' ;;
    snapshot) keys $'gate = rename\nway_back = verified' ;;
    both) keys $'gate = rename\nway_back = twin\nsnapshot = yes' ;;
    esac
}
pending() {
    add_migration bbbb00000002 aaaa00000001 "Fail" "$@" >"$WORK/file"
}
assessed() {
    journal '"act":"assess"' "$1" || fail "the journal's assessment lacks $1"
}

begin "nothing to escape with: untouched without a comparison, and the report says how that is known"
fresh
ways both
pending_transaction
run_json 1 deploy --json
json_is outcome untouched
err_has "untouched: every transaction of the run was rolled back"
belay 0 report last
out_has "every transaction of the run was rolled back"
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
err_lacks "comparing"
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
    err_has "sessions that belay did not open"
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
    'COMMENT ON COLUMN accounts.owner IS $$x$$' 'TRUNCATE moves' \
    'SELECT lo_from_bytea(4711, $$x$$)' 'ALTER SEQUENCE moves_id_seq RESTART'; do
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
sql bank_before "CREATE EXTENSION dblink"
before=$(state_of bank_before)

begin "without a transaction: what failed at its first statement is untouched, what left something is restored"
for way in twin snapshot; do
    fresh
    ways $way
    pending "Transaction: no" <<<"CREATE INDEX CONCURRENTLY no_column ON accounts (nothing_like_it);"
    run_json 1 deploy --json
    json_is outcome untouched
    err_has "row hashes"
    sql_is bank "SELECT count(*) FROM belay.progress" 0
    same_as_before
    tidy
    fresh
    pending_rows
    run_json 4 deploy --json
    json_is outcome restored
    same_as_before
    tidy
    fresh
    pending "Transaction: no" <<<"CREATE UNIQUE INDEX CONCURRENTLY once ON moves (account);"
    run_json 4 deploy --json
    json_is outcome restored
    sql_is bank "SELECT to_regclass('once') IS NULL" t
    same_as_before
    tidy
done

begin "without a gate: dblink and an equal database are untouched, a different one asks before it is restored"
fresh
keys "gate = none"
pending <<<"SELECT 1 / 0;"
run_json 1 deploy --json
json_is outcome untouched
fresh
pending <<SQL
SELECT dblink_exec($db, 'DELETE FROM moves WHERE id = 7');
SELECT 1 / 0;
SQL
run_json 5 deploy --json
belay 0 recover --accept-loss
same_as_before
tidy

begin "killed while the failed step's session still works: recover proves, or restores"
for kind in reads writes; do
    fresh
    ways twin
    case $kind in reads) statement="CREATE TEMP TABLE x (i int)" ;; writes) statement="DELETE FROM moves WHERE id = 7" ;; esac
    pending <<SQL
SELECT $noise;
SELECT dblink_exec($db, '$statement');
SELECT pg_sleep(300);
SQL
    start_deploy deploy
    sleeping
    kill -KILL "$run_pid"
    wait "$run_pid" 2>/dev/null || true
    run_json 0 recover --json
    case $kind in reads) json_is outcome untouched ;; writes) json_is outcome restored ;; esac
    same_as_before
    tidy
done

begin "a COMMIT without an answer, of which the server knows nothing: the rows decide"
mkdir "$WORK/proxy"
for mode in forget swallow; do
    fresh
    ways both
    pending_good
    python3 "$BELAY_SOURCE/tests/support/cut_commit.py" "$WORK/proxy/.s.PGSQL.5432" "$PGHOST/.s.PGSQL.5432" $mode &
    proxy=$!
    wait_until test -S "$WORK/proxy/.s.PGSQL.5432"
    sed -i "s|^host = .*|host = $WORK/proxy|" belay.ini
    case $mode in forget) run_json 4 deploy --json ;; swallow) run_json 1 deploy --json ;; esac
    err_has "asking the server what became of transaction"
    case $mode in forget) json_is outcome restored ;; swallow) json_is outcome untouched ;; esac
    assessed '"engine":"unknown"'
    kill "$proxy"
    rm -f "$WORK/proxy/.s.PGSQL.5432"
    same_as_before
    tidy
done

begin "killed after the health check failed: recover completes what on_unhealthy asks for"
for policy in restore stop; do
    unhealthy() {
        fresh
        pending_good
        keys "gate = rename
way_back = twin
snapshot = no
health_command = false
health_retries = 0
health_timeout = 2s
on_unhealthy = $policy"
    }
    unhealthy
    case $policy in restore) status=4 acts="unhealthy unhealthy.restore gate.close" ;; stop) status=5 acts="unhealthy" ;; esac
    belay $status deploy --accept-loss
    records=$(cat backups/dev/runs/*/journal.ndjson)
    for act in $acts; do
        at=$(grep -nE "\"kind\": ?\"intent\", ?\"act\": ?\"$act\"" <<<"$records" | tail -n 1 | cut -d: -f1)
        [ -n "$at" ] || fail "no record $act"
        unhealthy
        KILLER_AT=$at LD_PRELOAD=$BELAY_TESTS/killer.so belay 137 deploy --accept-loss
        journal "\"$act\"" || fail "not killed at $act"
        case $act.$policy in
        unhealthy.restore | unhealthy.stop) # by policy, or since nobody had said yes yet
            belay 5 recover
            sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
            ;;
        *)
            run_json 0 recover --json
            json_is outcome restored
            same_as_before
            ;;
        esac
        tidy
    done
done
