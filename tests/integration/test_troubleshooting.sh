#!/bin/bash
# The guide's troubleshooting section, entry by entry, and a wrong password: each is provoked where it occurs, is
# recognised, and is answered with its cause and a remedy that the test then carries out.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_project bank
head=$("$BELAY" heads | cut -d' ' -f1)
# said TEXT: on stderr
said() { err_has "$1"; }

begin "Can't locate revision identified by: an older checkout"
belay 0 upgrade head
newest=$(ls migrations/*_"${head}"_*.sql)
mv "$newest" "$WORK/newest.sql"
rows=$(data_hash bank)
for verb in "upgrade head" "downgrade -1" "deploy --yes" "check"; do
    # shellcheck disable=SC2086
    belay 3 $verb
    said "Can't locate revision identified by '$head'"
    said "the last revision that"
    said "the checkout is probably older than the database"
    said "Do not \`stamp head\`"
done
belay 3 doctor
out_has "Can't locate revision identified by '$head'"
belay 3 upgrade head --json
json_is error.code database_ahead
equals "the data" "$(data_hash bank)" "$rows"
mv "$WORK/newest.sql" "$newest"
belay 0 check

begin "Target database is not up to date: pending migrations"
belay 0 downgrade -2
belay 7 check
said "Target database is not up to date"
said "belay upgrade head --plan"
said "belay upgrade head"
belay 7 current --check-heads
belay 0 upgrade head
belay 0 check

begin "Multiple head revisions present: parallel branches"
first=$(belay 0 revision -m "one"; cat "$OUT")
second=$(belay 0 revision -m "other" --head "$head" --splice; cat "$OUT")
for verb in "upgrade head" "deploy --yes" "revision -m third"; do
    # shellcheck disable=SC2086
    belay 2 $verb
    said "ultiple head"
    said "belay merge"
done
belay 0 branches
out_has "$head"
belay 0 merge -m "Join" heads
merged=$(cat "$OUT")
belay 0 upgrade head
belay 0 check
belay 0 downgrade "$head"
rm "$first" "$second" "$merged"

begin "FOREIGN KEY constraint failed: data that violates the new key"
sql bank "CREATE TABLE parent (id int PRIMARY KEY)" "CREATE TABLE child (parent_id int)" "INSERT INTO child VALUES (7)"
file=$(add_migration aaaaaaaaaaaa "$head" "Add a key" <<'SQL'
ALTER TABLE child ADD CONSTRAINT child_parent FOREIGN KEY (parent_id) REFERENCES parent;
-- belay: downgrade
ALTER TABLE child DROP CONSTRAINT child_parent;
SQL
)
belay 1 upgrade head
said "$(basename "$file"):8"
said "23503"
said "Key (parent_id)=(7)"
said "rows exist that violate the new constraint"
said "NOT VALID"
said "nothing was committed"
belay 1 upgrade head --json
json_is error.code foreign_key_violation
json_is error.sqlstate 23503
sed -i 's/^ALTER TABLE child ADD/INSERT INTO parent SELECT DISTINCT parent_id FROM child ON CONFLICT DO NOTHING;\n&/' "$file"
belay 0 upgrade head
belay 0 check

begin "Connection refused: the server is down"
sed "s|^host = .*|host = 127.0.0.1\nport = 1|" belay.ini >refused.ini
for verb in "current" "upgrade head" "downgrade -1" "deploy --yes" "check"; do
    # shellcheck disable=SC2086
    belay 1 $verb -c refused.ini
    said "127.0.0.1"
    said "is the server running there?"
    said "POSTGRES_HOST"
    said "belay doctor"
done
belay 1 current -c refused.ini --json
json_is error.code connection_refused

begin "wrong password"
sql postgres "CREATE ROLE clerk LOGIN PASSWORD 'right'"
hba=$(sql postgres "SHOW hba_file")
sed -i '1i local all clerk scram-sha-256' "$hba"
sql postgres "SELECT pg_reload_conf()" >/dev/null
sed 's/^user = .*/user = clerk/' belay.ini >clerk.ini
for verb in "current" "upgrade head" "deploy --yes"; do
    # shellcheck disable=SC2086
    PGPASSWORD=hunter2 belay 1 $verb -c clerk.ini
    said 'password authentication failed for user "clerk"'
    said "check user and password of the target"
    err_lacks hunter2
done
PGPASSWORD=hunter2 belay 1 current -c clerk.ini --json
json_is error.code authentication
out_lacks hunter2
sql bank "GRANT SELECT ON alembic_version TO clerk"
PGPASSWORD=right belay 0 current -c clerk.ini
