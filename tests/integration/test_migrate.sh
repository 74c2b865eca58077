#!/bin/bash
# The native engine as its user meets it: apply, fail with the exact place, resume, wait for locks, settle a lost COMMIT.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
PROJECT_KEYS='lock_timeout = 200ms' make_empty_project bank
export POSTGRES_HOST=$PGHOST POSTGRES_USER=postgres POSTGRES_DB=bank

add_migration a1 "" "Create accounts" >/dev/null <<'SQL'
CREATE TABLE accounts (id int PRIMARY KEY, name text);
COPY accounts FROM stdin;
1	one; not the end
2	two
\.
-- belay: downgrade
DROP TABLE accounts;
-- belay: verify
SELECT count(*) = 2 FROM accounts;
SQL
add_migration a2 a1 "Add a function" >/dev/null <<'SQL'
CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT x; SELECT x * 2; END;
-- belay: downgrade
DROP FUNCTION twice
SQL

begin "upgrade applies everything, with version rows and ledger"
belay 0 upgrade head --plan --json
json_is steps.1.revision a2
sql_is bank "SELECT to_regclass('alembic_version') IS NULL" t
belay 0 upgrade head
err_has "Running upgrade  -> a1, Create accounts"
err_has "Running upgrade a1 -> a2, Add a function"
sql_is bank "SELECT version_num FROM alembic_version" a2
sql_is bank "SELECT string_agg(name, ',' ORDER BY id) FROM accounts" "one; not the end,two"
sql_is bank "SELECT string_agg(revision || ' ' || statement_count || ' ' || array_to_string(heads, ','), '/' ORDER BY id) FROM belay.ledger" "a1 2 a1/a2 1 a2"
belay 0 upgrade head
belay 0 check

begin "a schema that was changed by hand is noticed"
sql bank "ALTER TABLE accounts ADD COLUMN byhand int"
belay 7 check
err_has "drifted"
belay 0 upgrade head
err_has "outside of migrations"
sql bank "ALTER TABLE accounts DROP COLUMN byhand"
belay 0 check

begin "downgrade and up again"
belay 0 downgrade -1
err_has "Running downgrade a2 -> a1, Add a function"
belay 7 check
belay 0 downgrade base
sql_is bank "SELECT count(*) FROM alembic_version" 0
belay 0 upgrade head

begin "the script of --sql runs in psql"
belay 0 upgrade head --sql
sql postgres "CREATE DATABASE offline"
sql offline "CREATE TABLE accounts (other int)"
psql -X -q -d offline <"$OUT" >/dev/null 2>&1 && fail "psql went on"
sql offline "DROP TABLE accounts" # and it can run again: the version table went with the transaction that failed
sql_file offline "$OUT"
sql_is offline "SELECT (SELECT version_num FROM alembic_version) || twice(2)" a24
belay 0 downgrade a2:base --sql
sql_file offline "$OUT"
sql_is offline "SELECT to_regclass('accounts') IS NULL AND NOT EXISTS (SELECT FROM alembic_version)" t

begin "what a file sets ends with it, as when belay applies it: a dump's empty search_path in a script of --sql"
file=$(add_migration a3 a2 "From a dump" <<'SQL'
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.dumped (id int);
SQL
)
add_migration a4 a3 "Behind it" >/dev/null <<<'ALTER TABLE dumped ADD COLUMN more int;'
sql postgres "CREATE DATABASE dumps"
belay 0 upgrade head --sql
sql_file dumps "$OUT" >/dev/null
sql_is dumps "SELECT version_num FROM alembic_version" a4
rm migrations/*_a3_* migrations/*_a4_*

begin "the script of --sql stops at what fails, and a file that is refused is not printed"
file=$(add_migration a3 a2 "Fail" <<<'SELECT 1 / 0;')
add_migration a4 a3 "Behind it" >/dev/null <<<'SELECT 1;'
belay 0 upgrade a2:a4 --sql
out_has "-- Running upgrade a2 -> a3, Fail"
sql offline "DELETE FROM alembic_version" "INSERT INTO alembic_version VALUES ('a2')"
psql -X -q -d offline <"$OUT" >/dev/null 2>&1 && fail "psql went on"
sql_is offline "SELECT version_num FROM alembic_version" a2
echo '\i other.sql' >>"$file"
belay 2 upgrade a2:a4 --sql
err_has "psql's command \\i other.sql"
out_is ""
rm migrations/*_a3_* migrations/*_a4_*

begin "a failing statement is shown with its line, and nothing of it stays"
file=$(add_migration a3 a2 "Fail in the middle" <<'SQL'
CREATE TABLE half (id int);

INSERT INTO half
SELECT 1
  FROM nowhere;
SQL
)
belay 1 upgrade head
err_has "$(grep -n nowhere "$file" | cut -d: -f1)"
err_has 'relation "nowhere" does not exist'
err_has "^"
err_has "nothing was committed"
sql_is bank "SELECT to_regclass('half') IS NULL" t
belay 1 upgrade head --json
json_is error.sqlstate 42P01
json_is error.line "$(grep -n nowhere "$file" | cut -d: -f1)"
rm "$file"

begin "an earlier revision of the call stands and is named"
add_migration a3 a2 "Good" >/dev/null <<<'CREATE TABLE good (id int);'
file=$(add_migration a4 a3 "Bad rows" <<'SQL'
COPY good FROM stdin;
1
x
\.
SQL
)
belay 1 upgrade head
err_has "these revisions stand: a3"
err_has "$file:$(grep -n '^x$' "$file" | cut -d: -f1)"
sql_is bank "SELECT version_num FROM alembic_version" a3
rm "$file"

begin "transaction control and psql commands are refused before anything runs"
file=$(add_migration a4 a3 "Control" <<<'CREATE TABLE gone (id int);
COMMIT;')
belay 2 upgrade head
err_has "COMMIT"
err_has "Transaction: no"
rm "$file"
file=$(add_migration a4 a3 "Meta" <<<'\restrict x
CREATE TABLE gone (id int);
\i other.sql')
belay 2 upgrade head
err_has "\\i other.sql"
sql_is bank "SELECT to_regclass('gone') IS NULL" t
rm "$file"

begin "an applied file that was edited or deleted is refused by name"
file=$(echo migrations/*_a2_*)
cp "$file" "$WORK/a2.sql"
sed -i 's/x \* 2/x * 3/' "$file"
belay 3 upgrade head
err_has "the upgrade section of a2 was edited"
cp "$WORK/a2.sql" "$file"
sed -i 's/DROP FUNCTION twice/DROP FUNCTION twice(int)/' "$file"
belay 0 upgrade head
err_has "the downgrade section of a2 was edited"
cp "$WORK/a2.sql" "$file"

begin "a step without a transaction resumes at the right statement and drops the invalid index"
sql bank "INSERT INTO good SELECT 1 FROM generate_series(1, 2)"
add_migration a4 a3 "Index" "Transaction: no" >/dev/null <<'SQL'
CREATE TABLE once (id int);
CREATE UNIQUE INDEX CONCURRENTLY good_id ON good (id);
INSERT INTO once VALUES (1);
SQL
belay 1 upgrade head
err_has "part of the failed revision stands"
sql_is bank "SELECT indisvalid FROM pg_index WHERE indexrelid = 'good_id'::regclass" f
sql bank "DELETE FROM good WHERE ctid = (SELECT min(ctid) FROM good)"
belay 0 upgrade head
err_has "dropping the invalid index public.good_id"
sql_is bank "SELECT indisvalid FROM pg_index WHERE indexrelid = 'good_id'::regclass" t
sql_is bank "SELECT count(*) FROM once" 1
sql_is bank "SELECT count(*) FROM belay.progress" 0
sql_is bank "SELECT version_num FROM alembic_version" a4

begin "what ran of it must not be changed before the re-run"
file=$(add_migration a5 a4 "Half" "Transaction: no" <<'SQL'
CREATE TABLE five (id int);
SELECT 1 / 0;
SQL
)
belay 1 upgrade head
sed -i 's/five (id int)/five (id bigint)/' "$file"
belay 3 upgrade head
err_has "statement 1 or one before it was changed"
sed -i 's/five (id bigint)/five (id int)/; s/SELECT 1 . 0/SELECT 1/' "$file"
belay 0 upgrade head

begin "a lock that is not given: retries, then the blocker is named"
add_migration a6 a5 "Lock" >/dev/null <<<'ALTER TABLE good ADD COLUMN c int;'
coproc BLOCKER { PGAPPNAME=slow_report exec psql -X -At -d bank; }
blocker=$BLOCKER_PID
echo "BEGIN; LOCK TABLE good; SELECT 'locked';" >&"${BLOCKER[1]}"
while read -r line <&"${BLOCKER[0]}" && [ "$line" != locked ]; do :; done
belay 1 upgrade head
err_has "attempt 2 of 5"
err_has "slow_report"
err_has "user postgres"
sql_is bank "SELECT version_num FROM alembic_version" a5
kill "$blocker"
wait "$blocker" 2>/dev/null || true
wait_until belay 0 upgrade head
sql_is bank "SELECT version_num FROM alembic_version" a6

begin "a connection that is lost at COMMIT: the server's answer decides (aborted)"
sql bank "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
file=$(add_migration a7 a6 "Die" <<'SQL'
CREATE TABLE dies (id int);
CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON dies DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die();
INSERT INTO dies VALUES (1);
SQL
)
belay 1 upgrade head
err_has "asking the server what became of transaction"
err_has "rolled back"
err_has "nothing was committed"
sql_is bank "SELECT to_regclass('dies') IS NULL" t
rm "$file"

begin "a connection that is lost at COMMIT: the server's answer decides (committed), and the run goes on"
mkdir "$WORK/proxy"
python3 "$BELAY_SOURCE/tests/support/cut_commit.py" "$WORK/proxy/.s.PGSQL.5432" "$PGHOST/.s.PGSQL.5432" &
wait_until test -S "$WORK/proxy/.s.PGSQL.5432"
add_migration a7 a6 "Answer lost" >/dev/null <<<'CREATE TABLE seven (id int);'
add_migration a8 a7 "Behind it" >/dev/null <<<'CREATE TABLE eight (id int);'
cp belay.ini "$WORK/belay.ini"
sed -i "s|^host = .*|host = $WORK/proxy|" belay.ini
POSTGRES_HOST=$WORK/proxy belay 0 upgrade head
cp "$WORK/belay.ini" belay.ini
err_has "was committed"
sql_is bank "SELECT version_num FROM alembic_version" a8
sql_is bank "SELECT string_agg(revision, ',' ORDER BY id) FROM belay.ledger WHERE revision IN ('a7', 'a8')" a7,a8

begin "stamp, with --purge and --sql"
belay 0 stamp a1
sql_is bank "SELECT version_num FROM alembic_version" a1
err_has "Running stamp_revision a8 -> a1"
belay 0 stamp --purge heads
err_has "Running stamp_revision a1 -> a8"
belay 0 stamp heads
err_has "stamped so already"
belay 0 stamp a2 --sql
sql_is bank "SELECT version_num FROM alembic_version" a8
sql postgres "CREATE DATABASE unstamped"
sql_file unstamped "$OUT" # where no version table is
sql_is unstamped "SELECT version_num FROM alembic_version" a2
belay 0 stamp a2:a1 --sql
sql_file unstamped "$OUT"
sql_is unstamped "SELECT version_num FROM alembic_version" a1
belay 2 stamp a2:a1

begin "no right to create the ledger: the GRANT is shown"
sql postgres "CREATE ROLE poor LOGIN" "CREATE DATABASE poor"
sql poor "GRANT ALL ON SCHEMA public TO poor"
sed -i 's/^user = .*/user = poor/; s/^dbname = .*/dbname = poor/' belay.ini
POSTGRES_USER=poor POSTGRES_DB=poor belay 1 upgrade a1
err_has "GRANT CREATE ON DATABASE poor TO poor"
