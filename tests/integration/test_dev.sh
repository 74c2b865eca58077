#!/bin/bash
# `dev` and `reset`: the container's entrypoint, and the way to begin afresh; the lock of the bare verbs.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
info="host=$PGHOST user=postgres dbname=bank"
make_project scrap
sed -i 's/^dbname = scrap/dbname = bank/' belay.ini
head=$("$BELAY" heads | cut -d' ' -f1)

begin "dev creates the database and takes it to head, again does nothing"
belay 0 dev
err_has 'created database "bank"'
out_has "dev: at head"
sql_is bank "SELECT version_num FROM alembic_version" "$head"
belay 0 dev --json dev
json_is created false
json_is "done" "[]"

begin "several containers that start at once"
sql postgres "DROP DATABASE bank"
pids=()
for i in 1 2 3; do
    "$BELAY" dev >"$WORK/dev.$i" 2>&1 </dev/null &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || fail "one of them failed: $(cat "$WORK"/dev.*)"; done
equals "one creates it" "$(cat "$WORK"/dev.* | grep -c 'created database')" 1
belay 0 check

begin "dev waits for a server that is still starting, and no longer than it may"
sql postgres "DROP DATABASE bank"
crash_cluster
"$BELAY" dev >"$WORK/waiting" 2>&1 </dev/null &
pid=$!
wait_until grep -q "waiting for the server" "$WORK/waiting"
restart_cluster
wait "$pid" || fail "dev did not wait: $(cat "$WORK/waiting")"
belay 0 check
sed "s|^host = .*|host = $WORK/nowhere|" belay.ini >other.ini
belay 1 dev -c other.ini --wait 100ms
err_has "the server did not answer in time"
belay 2 dev --wait soon

begin "dev is for development, and only where it may apply by itself"
for environment in staging production; do
    sed "s/^environment = .*/environment = $environment/" belay.ini >other.ini
    belay 3 dev -c other.ini
    err_has "belay deploy dev"
    belay 3 reset -c other.ini --yes
    err_has "whatever options are given"
done
sed "s/^store = local/auto_apply = no/" belay.ini >other.ini
belay 3 dev -c other.ini
err_has "auto_apply = no"

begin "reset empties the database and keeps what belongs to it"
sql postgres "CREATE ROLE owner_of_bank" "ALTER DATABASE bank OWNER TO owner_of_bank" \
    "ALTER DATABASE bank SET work_mem = '7MB'" "COMMENT ON DATABASE bank IS 'ours'" \
    "REVOKE CONNECT ON DATABASE bank FROM PUBLIC" "ALTER DATABASE bank CONNECTION LIMIT 7"
state="SELECT pg_get_userbyid(datdba), datconnlimit, datacl, shobj_description(oid, 'pg_database'), datcollate
    FROM pg_database WHERE datname = 'bank'"
before=$(sql postgres "$state")
belay 3 reset
err_has "add --yes"
sql_is bank "SELECT count(*) FROM alembic_version" 1
psql -X -d bank -c "SELECT pg_sleep(600)" >/dev/null 2>&1 &
belay 0 reset --yes
sql_is bank "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace" 0
equals "database-level state" "$(sql postgres "$state")" "$before"
sql_is bank "SHOW work_mem" 7MB
equals "databases" "$(databases)" $'bank\nscrap'
belay 0 dev

begin "reset killed between the swap and the drop: the name has the empty database, the next one drops the old"
psql -X -d postgres -c "BEGIN" -c "LOCK TABLE pg_subscription IN ACCESS EXCLUSIVE MODE" -c "SELECT pg_sleep(600)" >/dev/null 2>&1 &
activity() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE $1")" = 1 ]; }
wait_until activity "query LIKE '%pg_sleep(600)%' AND datname = 'postgres' AND pid <> pg_backend_pid()"
"$BELAY" reset --yes >"$OUT" 2>"$ERR" </dev/null &
reset=$!
wait_until activity "query LIKE 'DROP DATABASE%' AND wait_event_type = 'Lock'"
kill -KILL "$reset"
wait "$reset" 2>/dev/null || true
sql postgres "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE 'belay 2%'" >/dev/null
sql postgres "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()" >/dev/null
databases | grep -q '^bank__belay_old_' || fail "reset was not killed before the drop"
sql_is bank "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace" 0
equals "database-level state" "$(sql postgres "$state")" "$before"
belay 0 dev
sql postgres "CREATE DATABASE bank__belay_empty_123456"
belay 0 reset --yes
equals "databases" "$(databases)" $'bank\nscrap'
belay 0 dev

sql postgres "DROP DATABASE bank"
belay 1 reset --yes
err_has "belay dev"
belay 0 dev

begin "dev without the right to create a database says which statement helps"
sql postgres "CREATE ROLE clerk LOGIN"
sed 's/^user = .*/user = clerk/; s/^dbname = .*/dbname = clerks/' belay.ini >clerk.ini
belay 1 dev -c clerk.ini
err_has 'ALTER ROLE "clerk" CREATEDB'
sql postgres 'ALTER ROLE "clerk" CREATEDB'
belay 0 dev -c clerk.ini

begin "who types the name at a terminal may reset"
script -qec "'$BELAY' reset" /dev/null <<<"wrong" >"$WORK/typed" 2>&1 && fail "a wrong name was taken"
sql_is bank "SELECT count(*) FROM alembic_version" 1
script -qec "'$BELAY' reset" /dev/null <<<"bank" >"$WORK/typed" 2>&1 || fail "$(cat "$WORK/typed")"
sql_is bank "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace" 0

begin "while a run holds the lock, the bare verbs change nothing and name the holder"
mkfifo "$WORK/in"
"$BELAY_TESTS/gate_driver" "$info" bank 20260101T000000Z-abcdef pid wait >"$WORK/first" <"$WORK/in" &
exec 7>"$WORK/in"
wait_until grep -q '^ok pid' "$WORK/first"
holder=$(sql postgres "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'belay 20260101T000000Z-abcdef%' LIMIT 1")
for verb in "upgrade head" "downgrade base" "stamp $head" "reset --yes" "dev --wait 50ms"; do
    # shellcheck disable=SC2086
    belay 6 $verb
    err_has "server process $holder"
    err_has "20260101T000000Z-abcdef"
done
belay 6 upgrade head --json
json_is error.code locked
belay 0 upgrade head --plan
sql_is bank "SELECT to_regclass('alembic_version') IS NULL" t
echo >&7
exec 7>&-
wait_until grep -q '^ok wait' "$WORK/first"
belay 0 upgrade head

begin "an upgrade that loses its lock commits nothing more"
add_migration aaaaaaaaaaaa "$head" "slow" >/dev/null <<'SQL'
-- belay: upgrade
CREATE TABLE slow ();
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'belay %' AND datname = 'postgres';
SQL
belay 1 upgrade head
err_has "nothing was committed"
sql_is bank "SELECT to_regclass('slow') IS NULL" t
rm migrations/*aaaaaaaaaaaa*

begin "no maintenance database, no change"
sed "s/^store = local/maintenance_db = missing/" belay.ini >other.ini
belay 1 downgrade base -c other.ini
err_has "maintenance_db"
err_has "without it nothing is changed"
belay 0 check
sed "s/^store = local/maintenance_db = bank/" belay.ini >other.ini
belay 2 upgrade head -c other.ini
