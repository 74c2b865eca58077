#!/bin/bash
# Snapshots come back: every kind of object, rows, sequences, large objects; damage and differences are found.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
DRIVER=${BELAY_TESTS:?}/restore_driver

# The schema with comments, sorted, since the order of rights and of equal names is free. The one key that the
# data violates (rich.sql) comes back NOT VALID.
schema_lines() {
    pg_dump --schema-only --exclude-schema=belay -d "$1" |
        sed -e '/^\\restrict /d; /^\\unrestrict /d; /^-- /d' -e '/violated_tree FOREIGN KEY/s/ NOT VALID;/;/' | sort
}

data_lines() {
    pg_dump --data-only --inserts --exclude-schema=belay -d "$1" 2>/dev/null |
        grep -v -e '^\\restrict ' -e '^\\unrestrict ' -e '^--' | sort
}

database_state() {
    sql postgres "SELECT pg_get_userbyid(d.datdba), pg_encoding_to_char(encoding), datcollate,
        ARRAY(SELECT x::text FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x ORDER BY 1), d.datconnlimit,
        ARRAY(SELECT setrole::regrole::text || setconfig::text FROM pg_db_role_setting WHERE setdatabase = d.oid ORDER BY 1),
        shobj_description(d.oid, 'pg_database') FROM pg_database d WHERE d.datname = '$1'"
}

# same_database A B. Partitions by hash of an enum may get other rows (pg_dump writes to their root), so rows are
# compared as it writes them. The server words some expressions differently after a dump, so A's schema goes through one.
same_database() {
    local encoding
    encoding=$(sql "$1" "SHOW server_encoding")
    sql postgres "CREATE DATABASE reworded TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'"
    # pg_dump 17 and newer set what an older server does not know
    pg_dump --schema-only -d "$1" | sed '/^SET transaction_timeout = 0;$/d' | psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d reworded
    diff <(schema_lines reworded) <(schema_lines "$2") >"$WORK/schema.diff" || fail "schemas differ: $(head -40 "$WORK/schema.diff")"
    sql postgres "DROP DATABASE reworded"
    diff <(data_lines "$1") <(data_lines "$2") >"$WORK/data.diff" || fail "rows differ: $(head -20 "$WORK/data.diff")"
    equals "database-level state" "$(database_state "$2")" "$(database_state "$1")"
}

# round_trip DB: snapshot, proof, restore to a name that no longer exists, comparison with the original (DB_before).
round_trip() {
    belay 0 stamp base # a restore ends with a stamp, which makes the version table where there is none
    take
    belay 0 prove "$ID"
    out_has "is proven"
    sql postgres "ALTER DATABASE \"$1\" RENAME TO \"$1_before\""
    belay 0 restore "$ID" --yes
    same_database "$1_before" "$1"
    no_scratch
}

take() {
    belay 0 snapshot --json
    ID=$(json id)
    SNAPSHOT=$(json path)
}

no_scratch() {
    sql_is postgres "SELECT datname FROM pg_database WHERE strpos(datname, '__belay_') > 0 ORDER BY 1" ""
}

compare() {
    "$DRIVER" compare backups dev "$@" >"$OUT" 2>"$ERR" || fail "no comparison"
}

project() {
    cd "$WORK"
    rm -rf "$WORK/project"
    PROJECT_KEYS="gate = none" write_project "$1" development
}

begin "the rich database, with a key that its data violates"
sql postgres 'CREATE ROLE rich_owner' 'CREATE ROLE rich_reader' 'CREATE DATABASE rich'
sql_file rich "$BELAY_SOURCE/tests/support/rich.sql" >/dev/null
sql rich "DELETE FROM alembic_version"
sql postgres "ALTER DATABASE rich OWNER TO rich_owner" "ALTER DATABASE rich SET work_mem = '7MB'" \
    "ALTER ROLE rich_reader IN DATABASE rich SET search_path = part, public" "COMMENT ON DATABASE rich IS 'it''s rich'" \
    "GRANT CREATE ON DATABASE rich TO rich_reader" "REVOKE CONNECT ON DATABASE rich FROM PUBLIC" "ALTER DATABASE rich CONNECTION LIMIT 77"
project rich
take
belay 0 prove "$ID" --json
json warnings | grep violated_tree >/dev/null || fail "the proof does not warn of the violated key"
sql rich "ALTER EVENT TRIGGER watch_ddl DISABLE" # it would see the ledger being made, which is no part of the snapshot
round_trip rich
err_has "violated_tree"
sql_is rich "SELECT conname FROM pg_constraint WHERE contype = 'f' AND NOT convalidated ORDER BY 1" "loose_v
violated_tree"
sql_is rich "SELECT tgname || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1" "$(sql rich_before "SELECT tgname || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")"
sql_is rich "SELECT relname FROM pg_class WHERE relkind = 'm' AND NOT relispopulated" never_filled

begin "the comparison sees a changed row, a missing row, a sequence, a large object, a column"
RICH=$ID
compare "$RICH" rich_before
out_is equal
sql postgres "CREATE DATABASE damaged TEMPLATE rich_before"
damage() {
    sql damaged "$1" >/dev/null
    compare "$RICH" damaged ${3:-}
    out_has "$2"
    equals "differences" "$(wc -l <"$OUT")" 1
}
damage "UPDATE kinds SET txt = txt || '!' WHERE id = 777" "kinds: 2000 rows, but other values"
sql damaged "UPDATE kinds SET txt = rtrim(txt, '!') WHERE id = 777"
compare "$RICH" damaged
out_is equal
damage "DELETE FROM tree WHERE id = 2" "tree: expected 3 rows, got 2"
sql damaged "INSERT INTO tree VALUES (2, 1)"
damage "SELECT setval('entries_id_seq', 5)" 'entries_id_seq": expected at least 20000, got 5'
sql damaged "SELECT setval('entries_id_seq', 20001)" >/dev/null
compare "$RICH" damaged
out_is equal
damage "SELECT 1" 'entries_id_seq": expected position 20000, got 20001' exact
damage "SELECT lo_put(90001, 900000, '\x01')" "large object 90001: other bytes"
sql damaged "BEGIN; SELECT lo_truncate(lo_open(90001, 131072), 900000); COMMIT" >/dev/null
damage "SELECT lo_unlink(90002), lo_create(90003)" "large object 90002: does not exist"
sql damaged "SELECT lo_unlink(90003), lo_create(90002)" >/dev/null
damage "SELECT lo_put(90001, 5, '\x01')" "large object 90001: other bytes"
sql damaged "SELECT lo_put(90001, 5, '\x10')" >/dev/null
damage "UPDATE part.by_mood SET n = 0 WHERE n = 7" "part.by_mood: 400 rows, but other values"
sql damaged "UPDATE part.by_mood SET n = 7 WHERE n = 0"
damage "CREATE INDEX extra ON tree (parent)" "schema: its description differs from the snapshot's: + index CREATE INDEX extra ON public.tree"
sql damaged "DROP INDEX extra"
compare "$RICH" damaged
out_is equal
damage "DROP COLLATION de; CREATE COLLATION de (provider = icu, locale = 'fr')" "schema"
sql postgres "DROP DATABASE damaged"

begin "one flipped byte is refused before anything is created"
cp "$SNAPSHOT" "$WORK/whole.tar"
size=$(stat -c %s "$SNAPSHOT")
for offset in 700 $((size / 3)) $((size / 2)) $((size - 700)); do
    cp "$WORK/whole.tar" "$SNAPSHOT"
    byte=$(od -An -tu1 -j "$offset" -N 1 "$SNAPSHOT" | tr -d ' ')
    printf "\\x$(printf %02x $((byte ^ 4)))" | dd of="$SNAPSHOT" bs=1 seek="$offset" conv=notrunc status=none
    databases >"$WORK/before"
    status=0
    "$BELAY" restore "$RICH" --yes >"$OUT" 2>"$ERR" </dev/null || status=$?
    case $status in 1 | 3) ;; *) fail "restore of a damaged snapshot (byte $offset) ended with status $status" ;; esac
    databases | diff "$WORK/before" - >/dev/null || fail "a database was created from a damaged snapshot"
    grep -q "swap" "$ERR" && fail "a damaged snapshot was used"
done
cp "$WORK/whole.tar" "$SNAPSHOT"

begin "roles that the server lacks: listed, then mapped"
sql postgres "CREATE ROLE new_owner" "CREATE ROLE new_reader"
sql postgres "DROP DATABASE rich" "ALTER DATABASE rich_before RENAME TO rich"
take
MAPPED=$ID
sql postgres "DROP DATABASE rich" "DROP ROLE rich_reader" "DROP ROLE rich_owner"
status=0
"$BELAY" restore "$MAPPED" --yes >"$OUT" 2>"$ERR" </dev/null || status=$?
[ "$status" -ne 0 ] || fail "restored without the roles"
err_has "rich_owner"
err_has "rich_reader"
err_has "role_map"
no_scratch
sed -i '/^gate = none/a role_map =\n    rich_owner=new_owner\n    rich_reader=new_reader' belay.ini
belay 0 restore "$MAPPED" --yes
sql_is postgres "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'rich'" new_owner
sql_is postgres "SELECT s.setrole::regrole FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase WHERE datname = 'rich' AND setrole <> 0" new_reader
sql_is postgres "SELECT has_database_privilege('new_reader', 'rich', 'CREATE')" t
sql_is rich "SELECT roles FROM pg_policies" "{new_reader}"
sql_is rich "SELECT tableowner FROM pg_tables WHERE tablename = 'entries'" new_owner
sql postgres "DROP DATABASE rich"

begin "everything else, with names that hurt"
sql postgres "CREATE DATABASE everything"
sql_file everything "$BELAY_SOURCE/tests/support/everything.sql" >/dev/null
# views that read a later one through a function, of which nothing records that
sql everything "CREATE MATERIALIZED VIEW z_read AS SELECT generate_series(1, 3) AS i" \
    "CREATE FUNCTION z_count() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.z_read'" \
    "CREATE MATERIALIZED VIEW m_read AS SELECT z_count() AS n" "CREATE UNIQUE INDEX ON m_read (n)" \
    "CREATE FUNCTION m_count() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT n FROM public.m_read'" \
    "CREATE MATERIALIZED VIEW a_read AS SELECT m_count() AS n"
project everything
round_trip everything
sql_is everything "SELECT n FROM a_read" 3

begin "a database in LATIN1"
sql postgres "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
sql latin "CREATE TABLE \"größe\" (\"maß\" text, n int)" "INSERT INTO \"größe\" VALUES ('äöü', 1)" \
    "CREATE TYPE e AS ENUM ('ä', 'ö')" "CREATE TABLE \"t ü\" (v text, w e) PARTITION BY HASH (w)" \
    "CREATE TABLE \"t ü 0\" PARTITION OF \"t ü\" FOR VALUES WITH (MODULUS 2, REMAINDER 0)" \
    "CREATE TABLE \"t ü 1\" PARTITION OF \"t ü\" FOR VALUES WITH (MODULUS 2, REMAINDER 1)" \
    "INSERT INTO \"t ü\" VALUES ('ß', 'ä'), ('é', 'ö')" "CREATE SEQUENCE \"zähler\"" "SELECT nextval('\"zähler\"')" \
    "CREATE FUNCTION \"grüß\"() RETURNS text LANGUAGE sql AS \$\$ SELECT 'schöne Grüße' \$\$" \
    "COMMENT ON TABLE \"größe\" IS 'Größe in €uro'" 2>/dev/null >/dev/null || true
project latin
round_trip latin

begin "database names that hurt"
for name in "It's 100% \"odd\", ..\\ {ä}" "ðððððððððððððððððððððððððððððð123"; do
    sql postgres "CREATE DATABASE \"${name//\"/\"\"}\""
    sql "$name" "CREATE TABLE t (a int PRIMARY KEY)" "INSERT INTO t VALUES (1), (2)"
    project "$name"
    take
    belay 0 prove "$ID"
    sql "$name" "DELETE FROM t"
    belay 0 restore "$ID" --yes --json
    sql_is "$name" "SELECT count(*) FROM t" 2
    kept=$(json kept)
    sql_is postgres "SELECT datallowconn FROM pg_database WHERE datname = '${kept//\'/\'\'}'" f
done

begin "by revision: the snapshot at it, or the nearest below it and the migrations up to it"
cd "$WORK"
rm -rf "$WORK/project"
PROJECT_KEYS="gate = none"
make_project bank staging
belay 0 upgrade 9b1c22d07a51
take
AT=$ID
belay 0 upgrade head
belay 0 current --json
HEADS=$(json heads)
belay 0 restore --revision 9b1c --yes --json
json_is outcome restored
json_is snapshot "$AT"
sql_is bank "SELECT version_num FROM alembic_version" 9b1c22d07a51
belay 0 restore --revision head --yes --json
json_is snapshot "$AT"
belay 0 current --json
json_is heads "$HEADS"
belay 0 restore "${AT:0:19}" --yes
sql_is bank "SELECT version_num FROM alembic_version" 9b1c22d07a51
sql bank "CREATE TABLE later (a int)"
belay 3 restore "$AT"
err_has "--yes"
sql_is bank "SELECT count(*) FROM pg_tables WHERE tablename = 'later'" 1
