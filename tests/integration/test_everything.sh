#!/bin/bash
# Everything that a real database has comes back: for each database below, restored by `belay restore`, what pg_dump
# writes of the restored one equals what it wrote of the source, and so do the rows, hashed by the server.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
CLUSTER_CONF="allow_in_place_tablespaces = on" start_cluster

# whole DB [WORDED]: all that pg_dump says, rows in a fixed order, and what it leaves out of the database itself. The schema
# is that of WORDED: the server words some expressions of DB otherwise once they went through a dump.
whole() {
    pg_dump -d "${2:-$1}" --exclude-schema=belay --schema-only | grep -a -v -e '^\\restrict ' -e '^\\unrestrict ' -e '^-- Dumped '
    # In the columns' own order: a dump moves inherited columns to the front. pg_dump cannot read by_path in this way itself.
    pg_dump -d "$1" --exclude-schema=belay --exclude-table=heir --exclude-table="*.late_child" --exclude-table=by_path --data-only --inserts 2>/dev/null | grep -a -v -e '^\\restrict ' -e '^\\unrestrict ' -e '^--' | sort
    sql postgres "SELECT r.rolname, d.datcollate, d.datctype, coalesce(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale'), to_jsonb(d) ->> 'datlocprovider', pg_encoding_to_char(d.encoding), d.datconnlimit,
            ARRAY(SELECT x::text FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x ORDER BY 1), shobj_description(d.oid, 'pg_database')
        FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = '$1'" \
        "SELECT s.setrole::regrole, c FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c WHERE d.datname = '$1' ORDER BY 1, 2"
}

# comes_back DB [options of restore]
comes_back() {
    local db=$1 id
    shift
    belay 0 snapshot --json
    json_is state verified
    id=$(json id)
    whole "$db" "${WORDED:-$db}" >"$WORK/whole.before"
    row_hashes "$db" >"$WORK/rows.before"
    belay 0 restore "$id" --yes "$@"
    whole "$db" >"$WORK/whole.after"
    row_hashes "$db" >"$WORK/rows.after"
    diff "$WORK/whole.before" "$WORK/whole.after" >"$WORK/diff" || fail "$db is another after the restore: $(head -60 "$WORK/diff")"
    diff "$WORK/rows.before" "$WORK/rows.after" >"$WORK/diff" || fail "rows of $db: $(head -20 "$WORK/diff")"
    [ "$(wc -l <"$WORK/rows.after")" -ge 2 ] || fail "no tables were compared"
}

version_table="CREATE TABLE alembic_version (version_num varchar(32) CONSTRAINT alembic_version_pkc PRIMARY KEY)"
sql postgres "CREATE ROLE rich_reader" "CREATE ROLE rich_owner" "CREATE ROLE rich_super SUPERUSER" "CREATE TABLESPACE elsewhere LOCATION ''"
export PROJECT_KEYS="gate = none"

begin "kinds that need a superuser, tablespaces, what leans on search_path"
make_empty_project more
sql more "$version_table"
sql_file more "$BELAY_SOURCE/tests/support/everything_more.sql" >/dev/null
sql more "ALTER DATABASE more SET timezone = 'Asia/Kolkata'" "ALTER DATABASE more SET datestyle = 'German'" "ALTER DATABASE more SET extra_float_digits = 0" \
    "ALTER DATABASE more SET bytea_output = 'escape'" "ALTER DATABASE more SET intervalstyle = 'iso_8601'" "ALTER ROLE rich_reader IN DATABASE more SET work_mem = '5MB'" \
    "ALTER DATABASE more SET lc_monetary = 'C'" "COMMENT ON DATABASE more IS 'more'" "GRANT TEMPORARY ON DATABASE more TO rich_reader" \
    "ALTER DATABASE more CONNECTION LIMIT 77"
comes_back more --subscriptions=disable
grep "CREATE SUBSCRIPTION \"It's \"\"a\"\"" "$WORK/whole.after" >/dev/null || fail "no subscription was compared"
sql_is more "SELECT subname, subenabled, subslotname FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database() ORDER BY 1" 'It'"'"'s "a"|f|its_slot
not_connected|f|'
err_has "subscription not_connected is in more as the snapshot has it, not connected and disabled"
err_lacks "top secret"

begin "names that hurt, bodies that look like a dump, partitions through their root"
make_empty_project everything
sql everything "$version_table"
sql_file everything "$BELAY_SOURCE/tests/support/everything.sql" >/dev/null
sql postgres "CREATE DATABASE worded TEMPLATE template0"
pg_dump --schema-only everything | psql -X -q -o /dev/null -d worded
WORDED=worded comes_back everything

begin "what those two leave out, and odd names of every kind of object"
make_empty_project further
sql further "$version_table"
sql_file further "$BELAY_SOURCE/tests/support/everything.sql" >/dev/null
sql_file further "$BELAY_SOURCE/tests/support/everything_further.sql" >/dev/null
sql further 'ALTER DATABASE further SET search_path = "$user", public, more'
sql postgres "DROP DATABASE worded" "CREATE DATABASE worded TEMPLATE template0"
# psql needs the path that pg_dump takes away.
pg_dump --schema-only further | sed "s/^SELECT pg_catalog.set_config('search_path', '', false);/SET search_path = public, more;/" | psql -X -q -o /dev/null -d worded
# Nor does pg_dump say that PUBLIC may not create in schema public, which the template of a server before 15 lets it.
[ "$(sql further "SELECT has_schema_privilege('pg_monitor', 'public', 'CREATE')")" = t ] || sql worded "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
WORDED=worded comes_back further
err_has "no statistics of more.cannot_analyze: division by zero"
sql_is further "SELECT count(*) FROM ddl_seen" 0 # nothing fired while it came back

begin "SQL_ASCII: bytes that are no text in any encoding"
sql postgres "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
write_project bytes development
sql bytes "$version_table" "CREATE TYPE e AS ENUM ('a')" "CREATE TABLE t (id int PRIMARY KEY, v text, w e)" "CREATE INDEX ON t (v)" \
    "INSERT INTO t SELECT i, convert_from(decode('e4ff80' || lpad(to_hex(i % 100 + 32), 2, '0'), 'hex'), 'SQL_ASCII'), 'a' FROM generate_series(1, 500) i"
export PGCLIENTENCODING=SQL_ASCII
comes_back bytes
unset PGCLIENTENCODING

if [ "$(sql postgres "SHOW server_version_num")" -ge 150000 ]; then # before, no database had a locale of ICU's
    begin "an ICU database with rules of its own"
    sql postgres "CREATE DATABASE icu LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk' LOCALE 'C.UTF-8' ENCODING UTF8 TEMPLATE template0"
    write_project icu development
    sql icu "$version_table" "CREATE TABLE names (n text PRIMARY KEY)" "INSERT INTO names VALUES ('Äpfel'), ('Zoo'), ('Affe'), ('öl')"
    comes_back icu
fi
begin "a libc database of another locale"
sql postgres "CREATE DATABASE posix LC_COLLATE 'POSIX' LC_CTYPE 'C.UTF-8' ENCODING UTF8 TEMPLATE template0"
write_project posix development
sql posix "$version_table" "CREATE TABLE names (n text PRIMARY KEY)" "INSERT INTO names VALUES ('Äpfel'), ('Zoo')"
comes_back posix

begin "a materialized view whose owner lost the right to read: all else comes back, and it is named"
make_empty_project views
sql views "$version_table" "CREATE TABLE source (id int)" "INSERT INTO source VALUES (1), (2)" "GRANT SELECT ON source TO rich_owner" \
    "GRANT CREATE ON SCHEMA public TO rich_owner" "CREATE MATERIALIZED VIEW good AS SELECT count(*) FROM source" \
    "CREATE MATERIALIZED VIEW barred AS SELECT count(*) FROM source" "ALTER MATERIALIZED VIEW barred OWNER TO rich_owner" \
    "CREATE MATERIALIZED VIEW behind AS SELECT * FROM barred" "REVOKE SELECT ON source FROM rich_owner"
belay 0 snapshot --json
id=$(json id)
belay 0 prove "$id"
belay 0 restore "$id" --yes
err_has "REFRESH MATERIALIZED VIEW \"public\".\"barred\" fills it"
err_has "REFRESH MATERIALIZED VIEW \"public\".\"behind\" fills it"
sql_is views "SELECT relname || relispopulated FROM pg_class WHERE relkind = 'm' ORDER BY 1" "barredfalse
behindfalse
goodtrue"
sql_is views "SELECT count FROM good" 2

begin "row security: rather no snapshot than a part of the rows"
make_empty_project secured
sql secured "CREATE TABLE mine (id int, who name)" "INSERT INTO mine VALUES (1, 'a'), (2, 'rich_reader')" \
    "ALTER TABLE mine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY" "CREATE POLICY own ON mine USING (who = current_user)" \
    "GRANT SELECT ON mine TO rich_reader" "ALTER ROLE rich_reader LOGIN"
sed -i 's/^user = .*/user = rich_reader/' belay.ini
find backups -type f | sort >"$WORK/files"
belay 1 snapshot
err_has "row-level security"
find backups -type f | sort | diff "$WORK/files" - || fail "there is a file of a part"

begin "few pages and much TOAST, by several workers"
PROJECT_KEYS="gate = none
jobs = 2" make_empty_project toasted
sql toasted "$version_table" "CREATE TABLE scans (id int PRIMARY KEY, v bytea)" "ALTER TABLE scans ALTER v SET STORAGE EXTERNAL" \
    "INSERT INTO scans SELECT i, convert_to(repeat(md5(i::text), 40000), 'UTF8') FROM generate_series(1, 100) i"
comes_back toasted
