#!/bin/bash
# `doctor`: each thing that can be wrong is found, and the answer is the one that helps: where it is a statement or a
# command, the test carries it out and looks again.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_project bank

# finding VERDICT CHECK TEXT: a line of the answer
finding() {
    grep -E "^$1 +$2 " "$OUT" | grep -qF -- "$3" || fail "no finding: $1 $2 ... $3"
}
advice() {
    grep -F -- "-> " "$OUT" | grep -qF -- "$1" || fail "no advice: $1"
}

begin "a good set-up"
belay 0 doctor
finding ok config "target dev (development) from"
finding ok migrations "11 revisions, head"
finding ok store "is writable"
finding ok connection 'database "bank" on'
finding ok rights "may do"
finding ok pg_dump "pg_dump"
finding ok runs "no unfinished run"
finding ok revision "the database is empty"
[ -z "$(find backups -path '*/dev/doctor-*')" ] || fail "the store's trial file is still there"
belay 0 doctor --json dev
json_is ok true
json_is checks.0.name config
"$BELAY" upgrade head 2>/dev/null
belay 0 doctor
finding ok revision "which is head"

begin "the file and the migrations"
belay 3 doctor -t nowhere
finding refuse config "nowhere"
sed 's/^environment/enviroment/' belay.ini >other.ini
belay 3 doctor -c other.ini
finding refuse config "other.ini:6"
advice "environment"
belay 3 doctor -c other.ini --json
json_is ok false
json_is verdict refuse
json_is error.code preflight
file=$(add_migration aaaaaaaaaaaa ffffffffffff "lost parent" <<<"SELECT 1;")
belay 3 doctor
finding refuse migrations "$file:"
sed -i 's/Revises: ffffffffffff/Revises: 9b1c22d07a51/' "$file"
belay 0 doctor
finding warn migrations "2 heads"
advice "belay merge"
rm "$file"
sed 's/^migrations = .*/migrations = gone/' belay.ini >other.ini
belay 3 doctor -c other.ini
advice "create the folder"
belay 2 heads -c other.ini

begin "server, password, database"
sed "s|^host = .*|host = $WORK/nowhere|" belay.ini >other.ini
belay 3 doctor -c other.ini
finding refuse connection "$WORK/nowhere"
advice "is the server running there?"
equals "findings about the connection" "$(grep -c ^refuse "$OUT")" 1
sed 's/^dbname = .*/dbname = none_such/' belay.ini >other.ini
belay 3 doctor -c other.ini
finding refuse connection "none_such"
advice "belay dev dev"
belay 0 dev -c other.ini
belay 0 doctor -c other.ini
sed 's/^store = local/maintenance_db = none_at_all/' belay.ini >other.ini
belay 3 doctor -c other.ini
finding refuse maintenance_db "none_at_all"
advice "set maintenance_db"
sed 's/^dbname = .*/dbname = postgres/' belay.ini >other.ini
belay 3 doctor -c other.ini
finding refuse maintenance_db "the target's own database"
for wrong in "port = abc" "port = 99999" "sslmode = foo"; do
    sed "s/^dbname = .*/&\n$wrong/" belay.ini >other.ini
    belay 2 current -c other.ini
    err_has "invalid"
    belay 2 dev --wait 30s -c other.ini # at once
    err_lacks "waiting"
done
sql postgres "CREATE ROLE clerk LOGIN PASSWORD 'right'"
hba=$(sql postgres "SHOW hba_file")
cp "$hba" "$WORK/hba"
sed -i '1i local all clerk scram-sha-256' "$hba"
sql postgres "SELECT pg_reload_conf()" >/dev/null
sed 's/^user = .*/user = clerk/' belay.ini >clerk.ini
PGPASSWORD=wrong belay 3 doctor -c clerk.ini
finding refuse connection 'password authentication failed for user "clerk"'
advice "POSTGRES_PASSWORD"
! grep -q wrong "$OUT" "$ERR" || fail "the password was printed"
cp "$WORK/hba" "$hba"
sql postgres "SELECT pg_reload_conf()" >/dev/null
sql postgres "ALTER ROLE clerk CONNECTION LIMIT 0"
belay 3 doctor -c clerk.ini
finding refuse connection "too many connections"
advice "a connection limit is reached"
sql postgres "ALTER ROLE clerk CONNECTION LIMIT -1"

begin "rights: the advice is the statement that helps"
# Carries out each statement of the advice as a superuser, in the database bank.
follow() {
    sed -n 's/^ *-> as [^:]*: \([A-Z].*\)$/\1/p' "$OUT" | sed 's/, or GRANT.*//' >"$WORK/advice.sql"
    [ -s "$WORK/advice.sql" ] || fail "no statement in the advice"
    while read -r statement; do sql bank "$statement"; done <"$WORK/advice.sql"
}
sql postgres "REVOKE CONNECT ON DATABASE postgres FROM PUBLIC"
belay 3 doctor -c clerk.ini
finding refuse maintenance_db "permission denied"
advice 'GRANT CONNECT ON DATABASE "postgres" TO "clerk"'
sql postgres "GRANT CONNECT ON DATABASE postgres TO PUBLIC"
sql bank "REVOKE CREATE ON SCHEMA public FROM PUBLIC" "DROP SCHEMA belay CASCADE" "DROP TABLE alembic_version"
belay 3 doctor -c clerk.ini
finding refuse rights "may not create databases"
advice "ALTER ROLE clerk CREATEDB"
finding refuse rights "does not own database bank"
advice "ALTER DATABASE bank OWNER TO clerk"
finding warn rights "only its own sessions"
advice "GRANT pg_signal_backend TO clerk"
finding refuse rights 'may not create the schema "belay"'
finding refuse rights "may not create tables in schema public"
advice "GRANT USAGE, CREATE ON SCHEMA public TO clerk"
follow
belay 0 doctor -c clerk.ini
finding ok rights "may do"
finding warn revision "tables, but no record of an applied revision"
sed 's/^store = local/version_table_schema = elsewhere/' belay.ini >other.ini
belay 3 doctor -c other.ini
finding refuse rights "schema elsewhere does not exist"

begin "rights on what records the revisions"
belay 0 stamp head
belay 3 doctor -c clerk.ini
finding refuse rights "may not read and write what records the revisions: alembic_version, belay.ledger"
finding refuse rights "may not use the schema belay"
advice "GRANT SELECT, INSERT, UPDATE, DELETE ON alembic_version, belay.ledger"
advice "GRANT USAGE, CREATE ON SCHEMA belay TO clerk"
belay 1 current -c clerk.ini
err_has "permission denied for table alembic_version"
err_has "belay doctor"
belay 3 doctor -c clerk.ini
follow
belay 0 doctor -c clerk.ini
finding ok rights "may do"

begin "pg_dump: missing, too old"
BELAY_PG_DUMP=/nonexistent belay 3 doctor
finding refuse pg_dump "cannot be run"
advice "postgresql-client-"
printf '#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.24"\n' >"$WORK/old_dump"
chmod +x "$WORK/old_dump"
BELAY_PG_DUMP=$WORK/old_dump belay 3 doctor
finding refuse pg_dump "is of version 9, older than the server's"
mkdir "$WORK/newer"
printf '#!/bin/sh\necho "pg_dump (PostgreSQL) 99.1"\n' >"$WORK/newer/pg_dump"
chmod +x "$WORK/newer/pg_dump"
BELAY_PG_DUMP=$WORK/newer/pg_dump belay 3 doctor
finding refuse pg_dump "pg_restore is of version"
advice "pg_restore beside it"
sed 's/pg_dump/pg_restore/' "$WORK/newer/pg_dump" >"$WORK/newer/pg_restore"
chmod +x "$WORK/newer/pg_restore"
BELAY_PG_DUMP=$WORK/newer/pg_dump belay 0 doctor
finding ok pg_dump "$WORK/newer/pg_dump"

begin "a server older than belay knows: told at once, in every verb"
mkdir "$WORK/old"
python3 "$BELAY_SOURCE/tests/support/old_server.py" "$WORK/old/.s.PGSQL.5432" &
old_server=$!
wait_until test -S "$WORK/old/.s.PGSQL.5432"
sed "s|^host = .*|host = $WORK/old|" belay.ini >other.ini
belay 3 doctor -c other.ini
finding refuse connection "is PostgreSQL 13.9, belay needs 14 or later"
advice "upgrade the server"
belay 3 current -c other.ini
err_has "is PostgreSQL 13.9, belay needs 14 or later"
kill "$old_server"
wait "$old_server" 2>/dev/null || true

begin "a store that cannot be written"
: >"$WORK/file"
sed "s|^path = .*|path = $WORK/file/below|" belay.ini >other.ini
belay 3 doctor -c other.ini
finding refuse store "$WORK/file"
advice "snapshots and journals"

begin "a store that this user may not write: said so, not that a file is missing"
cp "$BELAY" "$WORK/belay-of-all"
mkdir -m 500 "$WORK/sealed"
sed "s|^path = .*|path = $WORK/sealed|" belay.ini >other.ini
as=()
if [ "$(id -u)" -eq 0 ]; then
    chown nobody "$WORK/sealed"
    as=(setpriv --reuid nobody --regid nogroup --clear-groups)
fi
"${as[@]}" "$WORK/belay-of-all" doctor -c other.ini >"$OUT" 2>"$ERR" </dev/null && fail "nothing was found"
finding refuse store "Permission denied"
advice "give this user the right to write there"

begin "an unfinished run, a database that is ahead of the files"
mkdir -p backups/dev/runs/20260101T000000Z-abcdef
printf '%s\n' '{"at":"2026-01-01T00:00:00Z","kind":"note","act":"run","run":"20260101T000000Z-abcdef","verb":"deploy","target":"dev"}' \
    >backups/dev/runs/20260101T000000Z-abcdef/journal.ndjson
belay 3 doctor
finding refuse runs "20260101T000000Z-abcdef"
advice "belay recover"
rm -r backups/dev/runs
belay 0 stamp --purge head
sql bank "UPDATE alembic_version SET version_num = 'dddddddddddd'"
belay 3 doctor
finding refuse revision "Can't locate revision identified by 'dddddddddddd'"
advice "update it to the commit that was deployed"
