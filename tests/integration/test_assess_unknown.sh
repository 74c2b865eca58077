#!/bin/bash
# What nobody knows is found out by comparing: statements without a transaction, a COMMIT without an answer, no gate, a killed
# run; and a run that was killed after its health check had failed.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project
source "$BELAY_SOURCE/tests/support/assess_lib.sh"

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

begin "what belongs to the database as a whole and was committed: restored"
for change in "COMMENT ON DATABASE %I IS ''changed''" 'ALTER DATABASE %I CONNECTION LIMIT 7' 'ALTER DATABASE %I IS_TEMPLATE true'; do
    fresh
    ways twin
    pending "Transaction: no" <<SQL
DO \$\$ BEGIN EXECUTE format('$change', current_database()); END \$\$;
SELECT 1 / 0;
SQL
    run_json 4 deploy --json
    json_is outcome restored
    same_as_before
    tidy
    belay 0 prune --databases --days 0 --yes
done

# A bare label "case" keeps psql and belay in the body, while the server is out of it and commits.
begin "a COMMIT that was not seen as one, and an error behind it: the transaction's status is asked, and it is restored"
for error in 'SELECT 1 / 0' 'INSERT INTO later VALUES (-1)'; do
    fresh
    ways twin
    pending <<SQL
CREATE TABLE later (id int REFERENCES accounts DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION one() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1 case; END; DELETE FROM moves; COMMIT; BEGIN; $error;
SQL
    run_json 4 deploy --json
    json_is outcome restored
    assessed '"engine":"unknown"'
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
for cut in after before; do
    fresh
    ways both
    pending_good
    python3 "$BELAY_SOURCE/tests/support/cut_commit.py" "$WORK/proxy/.s.PGSQL.5432" "$PGHOST/.s.PGSQL.5432" \
        belay.ledger "$cut" forget &
    proxy=$!
    wait_until test -S "$WORK/proxy/.s.PGSQL.5432"
    sed -i "s|^host = .*|host = $WORK/proxy|" belay.ini
    case $cut in after) run_json 4 deploy --json ;; before) run_json 1 deploy --json ;; esac
    err_has "asking the server what became of transaction"
    case $cut in after) json_is outcome restored ;; before) json_is outcome untouched ;; esac
    assessed '"engine":"unknown"'
    kill "$proxy"
    rm -f "$WORK/proxy/.s.PGSQL.5432"
    same_as_before
    tidy
done

if [ ! -e "${BELAY_TESTS:?}/killer.so" ]; then
    echo "- killer.so is not part of this build (sanitizers): no kills after a health check"
    exit 0
fi
begin "killed after the health check failed: recover completes what on_unhealthy asks for"
cp "$BELAY_TESTS/killer.so" "$WORK/killer.so" # LD_PRELOAD cannot hold a path with a space
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
    belay "$status" deploy --accept-loss
    records=$(cat backups/dev/runs/*/journal.ndjson)
    for act in $acts; do
        at=$(grep -nE "\"kind\": ?\"intent\", ?\"act\": ?\"$act\"" <<<"$records" | tail -n 1 | cut -d: -f1)
        [ -n "$at" ] || fail "no record $act"
        unhealthy
        KILLER_AT=$at LD_PRELOAD=$WORK/killer.so belay 137 deploy --accept-loss
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
