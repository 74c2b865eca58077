#!/bin/bash
# Extensions come back at the version they had, with those rows of their configuration tables that are the user's; security
# labels come back too. The extension and the provider of labels are the test's own: Debian has no extension with configuration
# tables, and neither dummy_seclabel nor the server's headers.
bin=${BELAY_PG_BIN:-/usr/lib/postgresql/15/bin}
share=/usr/share/postgresql/${bin#/usr/lib/postgresql/}
share=${share%/bin}
[ -d "$share/extension" ] || {
    echo "SKIP: no Debian server at $bin" >&2
    exit 77
}
major=$(basename "$share")
source "${BELAY_SOURCE:?}/tests/support/lib.sh"

# A server looks for its files beside its programs: a copy of these, with the extension added.
private=$WORK/usr/lib/postgresql/$major
mkdir -p "$private" "$WORK/usr/share/postgresql"
cp -R "$bin" "$private/bin"
ln -s "${bin%/bin}/lib" "$private/lib"
cp -R "$share" "$WORK/usr/share/postgresql/$major"
export BELAY_PG_BIN=$private/bin PATH=$private/bin:$PATH
files=$WORK/usr/share/postgresql/$major/extension
cat >"$files/book.control" <<'CONTROL'
default_version = '2.0'
relocatable = false
schema = books
CONTROL
cat >"$files/book--1.0.sql" <<'SQL'
CREATE TABLE settings (name text PRIMARY KEY, value text, shipped boolean NOT NULL DEFAULT false);
INSERT INTO settings VALUES ('shipped', 'one', true);
CREATE TABLE entries (id int PRIMARY KEY, setting text REFERENCES settings, note text);
CREATE SEQUENCE numbers;
CREATE TABLE cache (v text);
CREATE FUNCTION version() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '1.0' $$;
CREATE VIEW shown AS SELECT name FROM settings;
SELECT pg_catalog.pg_extension_config_dump('settings', 'WHERE NOT shipped');
SELECT pg_catalog.pg_extension_config_dump('entries', '');
SELECT pg_catalog.pg_extension_config_dump('numbers', '');
SQL
cat >"$files/book--1.0--2.0.sql" <<'SQL'
CREATE OR REPLACE FUNCTION version() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '2.0' $$;
SQL

# What PG_MODULE_MAGIC and register_label_provider come to, in a server from 15 to 17.
cat >"$WORK/label.c" <<'C'
struct magic { int size, version, args, keys, name, by_value; char extra[32]; };
extern void register_label_provider(const char *name, void (*hook)(const void *object, const char *label));
static const struct magic magic = {sizeof magic, VERSION * 100, 100, 32, 64, 1, "PostgreSQL"};
const struct magic *Pg_magic_func(void);
const struct magic *Pg_magic_func(void) { return &magic; }
static void accept(const void *object, const char *label) { (void)object; (void)label; }
void _PG_init(void);
void _PG_init(void) { register_label_provider("test", accept); }
C
gcc -shared -fPIC -DVERSION="$major" -o "$WORK/label.so" "$WORK/label.c" || skip "no compiler"
CLUSTER_CONF="shared_preload_libraries = '$WORK/label'" start_cluster
PROJECT_KEYS="gate = none
jobs = 2" make_empty_project lib
sql postgres "CREATE ROLE librarian"
sql lib "CREATE TABLE alembic_version (version_num varchar(32) CONSTRAINT alembic_version_pkc PRIMARY KEY)" "CREATE SCHEMA books" "CREATE EXTENSION book SCHEMA books VERSION '1.0'" "INSERT INTO books.settings VALUES ('mine', E'two\t\\\\')" \
    "INSERT INTO books.entries VALUES (1, 'mine', NULL), (2, 'shipped', 'x')" "INSERT INTO books.cache VALUES ('not dumped')" \
    "SELECT setval('books.numbers', 77)" "GRANT SELECT ON books.cache TO librarian" \
    "CREATE TABLE loans (id int PRIMARY KEY, book int REFERENCES books.entries)" "INSERT INTO loans VALUES (1, 2)" \
    "CREATE VIEW over_it AS SELECT * FROM books.shown" "SELECT lo_from_bytea(4711, 'x')" "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'" \
    "SECURITY LABEL ON TABLE loans IS 'it''s secret'" "SECURITY LABEL ON COLUMN loans.book IS 'column'" "SECURITY LABEL ON FUNCTION f() IS 'function'" \
    "SECURITY LABEL ON LARGE OBJECT 4711 IS 'object'" "SECURITY LABEL ON SCHEMA public IS 'schema'" "SECURITY LABEL ON DATABASE lib IS 'database'" >/dev/null

labels="SELECT string_agg(format('%s %s=%s', objtype, objname, label), '; ' ORDER BY objtype, objname COLLATE \"C\") FROM pg_seclabels WHERE objtype <> 'database'"
dump() { pg_dump --exclude-schema=belay lib | grep -v -e '^\\restrict ' -e '^\\unrestrict '; }

begin "an extension at its version, its user's rows, its rights; labels"
belay 0 snapshot --json
ID=$(json id)
before=$(sql lib "$labels")
dump >"$WORK/before"
grep -q "it''s secret" "$WORK/before" || fail "pg_dump writes no labels"
belay 0 restore "$ID" --yes
sql_is lib "SELECT extversion FROM pg_extension WHERE extname = 'book'" 1.0
sql_is lib "SELECT books.version()" 1.0
sql_is lib "SELECT string_agg(name, ',' ORDER BY name) FROM books.settings" "mine,shipped"
sql_is lib "SELECT value FROM books.settings WHERE name = 'mine'" $'two\t\\'
sql_is lib "SELECT count(*) FROM books.entries" 2
sql_is lib "SELECT count(*) FROM books.cache" 0
sql_is lib "SELECT last_value FROM books.numbers" 77
sql_is lib "SELECT has_table_privilege('librarian', 'books.cache', 'SELECT')" t
equals "labels" "$(sql lib "$labels")" "$before"
sql_is postgres "SELECT label FROM pg_shseclabel WHERE provider = 'test' AND objoid = (SELECT oid FROM pg_database WHERE datname = 'lib')" database
dump >"$WORK/after"
diff "$WORK/before" "$WORK/after" >"$WORK/diff" || fail "the database is another: $(head -40 "$WORK/diff")"

begin "a version that the server does not offer is refused before anything is made"
rm "$files/book--1.0.sql"
: >"$files/book--2.0.sql"
rm "$files/book--1.0--2.0.sql"
belay 3 restore "$ID" --yes
err_has "book"
err_has "1.0"
