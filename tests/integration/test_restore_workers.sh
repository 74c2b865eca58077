#!/bin/bash
# The workers of a restore: fewer where a limit of connections is reached; and whom they wait for is named.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
sql postgres "CREATE ROLE few LOGIN CREATEDB CONNECTION LIMIT 4"
PROJECT_KEYS="gate = none
jobs = 4" make_empty_project work
sed -i 's/^user = .*/user = few/' belay.ini
sql postgres "ALTER DATABASE work OWNER TO few"
for i in $(seq 150); do echo "CREATE TABLE small_$i (id int PRIMARY KEY, v text); INSERT INTO small_$i VALUES (1, 'one');"; done >"$WORK/tables.sql"
PGUSER=few sql_file work "$WORK/tables.sql"
PGUSER=few sql work "CREATE TABLE rows (id int PRIMARY KEY, v text)" "INSERT INTO rows SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 150000) i" \
    "CREATE TABLE little (id int PRIMARY KEY)" "INSERT INTO little VALUES (1)"
sql postgres "ALTER ROLE few CONNECTION LIMIT -1"
belay 0 snapshot --no-lint --json
snapshot=$(json id)

begin "as many workers as a limit of connections lets in"
sql postgres "ALTER ROLE few CONNECTION LIMIT 4"
belay 0 prove "$snapshot" --json
json_is ok true
json_is rows 150151
err_has "going on with one worker less"
err_has "too many connections for role"

begin "without any there is no restore, and nothing is left"
sql postgres "ALTER ROLE few CONNECTION LIMIT 2"
belay 1 prove "$snapshot"
err_has "too many connections for role"
sql postgres "ALTER ROLE few CONNECTION LIMIT -1"
equals "databases" "$(databases)" work

sql postgres "GRANT pg_read_all_stats TO few"
begin "a session that holds a lock which the restore wants is named"
# hold_little: locks the table in the copy, as soon as it is there.
copy() {
    psql -X -At -d postgres -c "SELECT datname FROM pg_database WHERE datname ~ '__belay_scratch_'"
}
hold_little() {
    psql -X -At -d "$(copy)" -c "SELECT 1 / count(*) FROM pg_class WHERE relname = 'little'" || return 1
    PGAPPNAME=reindexing psql -X -q -d "$(copy)" -c "BEGIN" -c "LOCK TABLE little IN ACCESS EXCLUSIVE MODE" -c "SELECT pg_sleep(300), 'a REINDEX'" >/dev/null 2>&1 &
}
LAST="belay prove, with a table locked"
"$BELAY" prove "$snapshot" -j 1 --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until hold_little
wait_until grep -q "the restore waits for a lock on public.little, which pid [0-9]* (user postgres, application reindexing) holds: SELECT pg_sleep" "$ERR"
sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reindexing'" >/dev/null
wait "$pid" || fail "the proof failed"
json_is ok true
equals "said once" "$(grep -c "the restore waits for a lock" "$ERR")" 1

begin "and so is one that the tables wait for, before there are rows"
sql postgres "CREATE ROLE parting"
sql work "GRANT SELECT ON little TO parting" "ALTER TABLE small_7 OWNER TO parting"
sed -i 's/^user = .*/user = postgres/' belay.ini
belay 0 snapshot --no-lint --json
snapshot=$(json id)
sql work "ALTER TABLE small_7 OWNER TO few" "REVOKE SELECT ON little FROM parting"
LAST="belay prove, with a role that is being dropped"
PGAPPNAME=dropping psql -X -q -d postgres -c "BEGIN" -c "DROP ROLE parting" -c "SELECT pg_sleep(300), 'undecided'" >/dev/null 2>&1 &
dropped() { [ "$(psql -X -At -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dropping' AND query ~ 'undecided'")" = 1 ]; }
wait_until dropped
"$BELAY" prove "$snapshot" -j 2 --json >"$OUT" 2>"$ERR" </dev/null &
pid=$!
wait_until grep -q "the restore waits for a lock on object, which pid [0-9]* (user postgres, application dropping) holds: SELECT pg_sleep" "$ERR"
sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dropping'" >/dev/null
wait "$pid" || fail "the proof failed"
json_is ok true
