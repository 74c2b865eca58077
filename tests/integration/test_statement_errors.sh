#!/bin/bash
# What a statement does wrong, or says, is shown where it stands and as the server put it.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
PROJECT_KEYS=$'lock_timeout = 200ms\nstatement_timeout = 2s' make_empty_project bank
export POSTGRES_HOST=$PGHOST POSTGRES_USER=postgres POSTGRES_DB=bank

# line_of FILE TEXT: the number of the first line with TEXT.
line_of() {
    grep -nF -m 1 -- "$2" "$1" | cut -d: -f1
}
add_migration a1 "" "Base" >/dev/null <<<'CREATE TABLE acc (id int PRIMARY KEY, name text);'
belay 0 upgrade head

begin "the row of a COPY that violates a key"
file=$(add_migration a2 a1 "Copy" <<'SQL'
COPY acc FROM stdin;
1	one
2	two
2	again
3	three
\.
SQL
)
belay 1 upgrade head
err_has "$file:$(line_of "$file" again): "
err_has "Key (id)=(2) already exists."
err_has "COPY acc, line 3"
rm "$file"

begin "the caret stands below the word, behind tabs and wide characters"
file=$(add_migration a2 a1 "Caret" <<'SQL'
SELECT 1,
	'äöü',	'日本語', nope
  FROM acc;
SQL
)
belay 1 upgrade head
err_has "$file:$(line_of "$file" nope): "
err_has "  detail     'äöü', '日本語', nope"
# Behind the label: a space, 'äöü', a space, '日本語' of eight columns, comma and space.
err_has "            $(printf '%*s' 18 '')^"
rm "$file"

begin "a statement within a function that fails"
file=$(add_migration a2 a1 "Function" <<'SQL'
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  PERFORM 1 FROM missing_table;
  RETURN 1; END $$;
SELECT f();
SQL
)
belay 1 upgrade head
err_has "statement SELECT f()"
err_has "in the query"
err_has "SELECT 1 FROM missing_table"
err_has "PL/pgSQL function f() line 2 at PERFORM"
rm "$file"

begin "notices come with their detail and hint"
file=$(add_migration a2 a1 "Notices" <<'SQL'
CREATE TABLE many (id int);
CREATE VIEW many_one AS SELECT * FROM many;
CREATE VIEW many_two AS SELECT * FROM many;
DROP TABLE many CASCADE;
DO $$ BEGIN RAISE WARNING 'careful' USING HINT = 'look twice'; END $$;
SQL
)
belay 0 upgrade head --plan
belay 0 upgrade head
err_has "NOTICE: drop cascades to 2 other objects"
err_has "DETAIL: drop cascades to view many_one"
err_has "drop cascades to view many_two"
err_has "HINT: look twice"

begin "what cannot run in a transaction says how it can"
file=$(add_migration a3 a2 "Vacuum" <<<'VACUUM acc;')
belay 1 upgrade head
err_has "VACUUM cannot run inside a transaction block"
err_has "Transaction: no"
rm "$file"

begin "a statement that takes too long says what to do"
file=$(add_migration a3 a2 "Slow" <<<"SET LOCAL statement_timeout = '50ms'; SELECT pg_sleep(5);")
belay 1 upgrade head
err_has "57014"
err_has "raise the target's statement_timeout"
rm "$file"

begin "strings end where the file's own standard_conforming_strings says"
add_migration a3 a2 "Strings" >/dev/null <<'SQL'
SET standard_conforming_strings = off;
SET escape_string_warning = off;
INSERT INTO acc VALUES (7, 'it\'s; here');
RESET standard_conforming_strings;
INSERT INTO acc VALUES (8, 'back\');
-- belay: downgrade
DELETE FROM acc WHERE name = '\' OR id IN (7, 8);
SQL
belay 0 upgrade head
sql_is bank "SELECT string_agg(name, ',' ORDER BY id) FROM acc" "it's; here,back\\"
belay 0 downgrade -1
belay 0 upgrade head

begin "only \\restrict and \\unrestrict pass, not what begins like them"
file=$(add_migration a4 a3 "Meta" <<<'\restrictions
SELECT 1;')
belay 2 upgrade head
err_has "psql's command \\restrictions"
rm "$file"

begin "other line endings and a BOM are no edit"
file=$(echo migrations/*_a3_*)
sed -i 's/$/\r/; 1s/^/\xef\xbb\xbf/' "$file"
belay 0 upgrade head
err_lacks "edited"
belay 0 check
sed -i '2s/^--/-- more/' "$file"
belay 0 upgrade head
err_has "edited outside of its upgrade and downgrade"

begin "what a half-done revision left is not blamed on others"
file=$(add_migration a4 a3 "Half" "Transaction: no" <<'SQL'
CREATE TABLE half (id int);
SELECT 1 / 0;
SQL
)
belay 1 upgrade head
belay 1 upgrade head
err_has "a4 was begun and not finished"
err_lacks "outside of migrations"
sed -i 's,1 / 0,1,' "$file"
belay 0 upgrade head
belay 0 check

begin "a re-run sets up the session again, and a role of the file need not see belay's tables"
sql bank "CREATE ROLE owner_of_it" "CREATE SCHEMA other AUTHORIZATION owner_of_it"
file=$(add_migration s1 a4 "Session" "Transaction: no" <<'SQL'
SET search_path = other;
SET ROLE owner_of_it;
CREATE TABLE first ();
BEGIN;
CREATE TABLE second ();
COMMIT;
SELECT 1 / 0;
CREATE TABLE third ();
-- belay: downgrade
DROP TABLE other.first, other.second, other.third;
SQL
)
belay 1 upgrade head
err_has "division by zero"
sed -i 's,1 / 0,1,' "$file"
belay 0 upgrade head
sql_is bank "SELECT string_agg(relname || ' ' || pg_get_userbyid(relowner), ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'other'::regnamespace" \
    "first owner_of_it,second owner_of_it,third owner_of_it"
sql_is bank "SELECT count(*) FROM belay.progress" 0
belay 0 downgrade a4
rm "$file"

begin "pending files that git does not have are named"
git init -q . && git add -A
git -c user.name=n -c user.email=e@localhost commit -q -m all
file=$(add_migration a5 a4 "Untracked" <<<'CREATE TABLE five (id int);')
belay 0 upgrade head --plan
err_has "git does not track the pending file $(basename "$file")"
git add -A
git -c user.name=n -c user.email=e@localhost commit -q -m five
belay 0 upgrade head --plan
err_lacks "git"
rm -r "$file" .git

begin "a relative downgrade from several heads says where it begins"
one=$(add_migration b1 a4 "Left" <<<$'SELECT 1;\n-- belay: downgrade')
two=$(add_migration b2 a4 "Right" <<<$'SELECT 1;\n-- belay: downgrade')
belay 0 upgrade heads
belay 0 downgrade -1 --plan
err_has "downgrade -1 from multiple heads is ambiguous; it begins at "
belay 0 downgrade a4
err_lacks "ambiguous"
rm "$one" "$two"

begin "an invalid index whose drop has to wait: place, statement, and the blocker once"
file=$(add_migration a5 a4 "Index" "Transaction: no" <<<'CREATE UNIQUE INDEX CONCURRENTLY half_id ON half (id);')
sql bank "INSERT INTO half VALUES (1), (1)"
belay 1 upgrade head
sql bank "TRUNCATE half"
coproc BLOCKER { PGAPPNAME=slow_report exec psql -X -At -d bank; }
blocker=$BLOCKER_PID
echo "BEGIN; LOCK TABLE half IN ROW EXCLUSIVE MODE; SELECT 'locked';" >&"${BLOCKER[1]}"
while read -r line <&"${BLOCKER[0]}" && [ "$line" != locked ]; do :; done
belay 1 upgrade head
err_has "$file:$(line_of "$file" 'CREATE UNIQUE'): "
err_has "statement DROP INDEX CONCURRENTLY public.half_id"
[ "$(grep -c "detail.*blocked by pid $blocker.*blocked by" "$ERR")" = 0 ] || fail "the blocker is named twice"
[ "$(grep -c "detail.*blocked by .*slow_report" "$ERR")" = 1 ] || fail "the blocker is not named"
kill "$blocker"
wait "$blocker" 2>/dev/null || true
wait_until belay 0 upgrade head
sql_is bank "SELECT indisvalid FROM pg_index WHERE indexrelid = 'half_id'::regclass" t
