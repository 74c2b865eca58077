#!/bin/bash
# `belay restore ID --table` makes what the server's own ALTER TABLE ... SET SCHEMA would have made of the original, whatever
# columns, constraints and names a table has: pg_dump of both is compared.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project
sql_file bank "$BELAY_SOURCE/tests/support/everything.sql" >/dev/null
# names that stand for two things: an index and a type, a table and a function, a column and a keyword
sql bank "DROP PUBLICATION everything" "CREATE TYPE twofold AS ENUM ('a', 'b')" "CREATE FUNCTION twofaced() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 7'" \
    "CREATE TABLE twofaced (id int CONSTRAINT twofold PRIMARY KEY, kind twofold DEFAULT 'b', inherits twofold, n int DEFAULT twofaced() CHECK (n > twofaced() - 9))" \
    "CREATE INDEX twofaced_n ON twofaced (twofaced(), n)" "INSERT INTO twofaced SELECT i, 'a' FROM generate_series(1, 9) i" \
    "CREATE TABLE rows_of_it (t twofaced, ts twofaced[])" "INSERT INTO rows_of_it SELECT t, ARRAY[t] FROM twofaced t" \
    "CREATE TABLE whole (a int, b text, CHECK (whole.* IS NOT NULL))" "CREATE INDEX whole_row ON whole ((whole.*))" "INSERT INTO whole VALUES (1, 'x')" \
    "CREATE TABLE of_pair OF pair (a WITH OPTIONS NOT NULL, PRIMARY KEY (a))" "INSERT INTO of_pair VALUES (1, 'x')" \
    "CREATE TABLE shared_sequence (n int DEFAULT nextval('standalone'), r regclass DEFAULT 'twofaced'::regclass)" "INSERT INTO shared_sequence VALUES (1, NULL)" \
    "CREATE TABLE \"back\\slash\" (id serial, \"b\\\"\"c\" int)" "INSERT INTO \"back\\slash\" DEFAULT VALUES" \
    "COMMENT ON CONSTRAINT twofold ON twofaced IS 'c; one'" "COMMENT ON TRIGGER a_on ON orders IS 'not made'" \
    "COMMENT ON INDEX whole_row IS 'i'" "COMMENT ON CONSTRAINT self ON orders IS 'k'" "COMMENT ON STATISTICS order_stats IS 's'" \
    "COMMENT ON COLUMN twofaced.kind IS 'col'" "COMMENT ON POLICY own ON customers IS 'not made'" \
    "CREATE TABLE near (at date) PARTITION BY RANGE (at)" "CREATE TABLE nearer PARTITION OF near DEFAULT" "INSERT INTO near VALUES ('2025-01-01')" \
    "CREATE FOREIGN TABLE far_away PARTITION OF near FOR VALUES FROM ('2030-01-01') TO ('2031-01-01') SERVER \"far away\""
belay 0 snapshot --json
id=$(json id)

# moved_by_server DB FROM INTO: the tables of a schema in another one, without what a restored table does not have.
moved_by_server() {
    psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d "$1" <<SQL || fail "not moved"
CREATE SCHEMA "$3";
SELECT format('ALTER TABLE %s SET SCHEMA %I', c.oid::regclass, '$3') FROM pg_class c
WHERE relnamespace = '"$2"'::regnamespace AND relkind IN ('r', 'p')
UNION ALL SELECT format('ALTER STATISTICS %I.%I SET SCHEMA %I', '$2', stxname, '$3') FROM pg_statistic_ext
WHERE stxnamespace = '"$2"'::regnamespace \gexec
SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT format('DROP POLICY %I ON %s', polname, polrelid::regclass) FROM pg_policy
UNION ALL SELECT format('DROP RULE %I ON %s', rulename, ev_class::regclass) FROM pg_rewrite WHERE rulename <> '_RETURN' AND ev_class >= 16384
UNION ALL SELECT format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', oid::regclass) FROM pg_class WHERE relrowsecurity \gexec
SQL
}

dump_of() {
    pg_dump -n "$2" -O -x --no-publications "$1" | grep -v -e '^\\restrict ' -e '^\\unrestrict ' -e '^-- ' | sort
}

# same_tables SCHEMA: the server words some expressions differently after a dump, so the oracle goes through one.
same_tables() {
    sql postgres "CREATE DATABASE reworded TEMPLATE template0"
    pg_dump oracle | sed '/^SET transaction_timeout = 0;$/d' | psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d reworded || fail "no oracle"
    diff <(dump_of reworded "$1") <(dump_of bank "$1") >"$WORK/diff" || fail "differs in schema $1: $(head -60 "$WORK/diff")"
    sql postgres "DROP DATABASE reworded"
}
sql postgres "CREATE DATABASE oracle TEMPLATE bank"

begin "all tables of a schema"
sql oracle "DROP FOREIGN TABLE far_away"
moved_by_server oracle public side
belay 0 restore "$id" --schema public --into-schema side
same_tables side

begin "a schema with odd names"
moved_by_server oracle 'odd.schema %41/..' 'side 2'
belay 0 restore "$id" --schema 'odd.schema %41/..' --into-schema 'side 2'
same_tables 'side 2'

begin "another encoding, into its own database and into one in UTF-8; what a role may not"
export PGCLIENTENCODING=UTF8
sql postgres "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0" "CREATE DATABASE utf"
sql latin "CREATE TABLE \"größe\" (id serial PRIMARY KEY, \"ä\" text CHECK (\"ä\" <> 'ü'))" "INSERT INTO \"größe\" (\"ä\") VALUES ('ö'), ('é')" \
    "COMMENT ON TABLE \"größe\" IS 'ñ'" "CREATE ROLE plain LOGIN"
sed -i 's/^dbname = .*/dbname = latin/' belay.ini
belay 0 snapshot --json
id=$(json id)
belay 0 restore "$id" --table größe --into-schema side
sql_is latin "SELECT string_agg(id || \"ä\", ' ' ORDER BY id), obj_description('side.\"größe\"'::regclass) FROM side.\"größe\"" "1ö 2é|ñ"
sed -i 's/^user = .*/user = plain/' belay.ini
belay 1 restore "$id" --table größe
err_has "GRANT CREATE ON DATABASE latin"
sed -i -e 's/^user = .*/user = postgres/' -e 's/^dbname = .*/dbname = utf/' belay.ini
belay 0 restore "$id" --table größe --into-table größer
sql_is utf "SELECT string_agg(id || \"ä\", ' ' ORDER BY id) FROM größer" "1ö 2é"
