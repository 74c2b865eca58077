#!/bin/bash
# `belay export`: the script fills an empty database with the same schema and rows; binary ones become text on a server.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project
sql bank "CREATE TYPE mood AS ENUM ('good', 'it''s \\\\ bad')" \
    "CREATE TABLE days (id serial PRIMARY KEY, mood mood, note text, twice int GENERATED ALWAYS AS (2) STORED)" \
    "INSERT INTO days (mood, note) SELECT CASE WHEN i % 2 = 0 THEN 'good' ELSE 'it''s \\\\ bad' END::mood, E'tab\\there\\nline \\\\. ' || i FROM generate_series(1, 500) i" \
    "INSERT INTO days (note) VALUES (NULL), (''), ('\\.')" \
    "CREATE TABLE \"Größe \"\"x\"\" 'y'\" (m mood)" "INSERT INTO \"Größe \"\"x\"\" 'y'\" VALUES ('good')" \
    "CREATE SEQUENCE \"it's\"" "SELECT setval('\"it''s\"', 42)" "CREATE TABLE empty (id int)" \
    "CREATE VIEW v AS SELECT count(*) FROM days" "CREATE INDEX days_note ON days (note)" \
    "SELECT lo_from_bytea(4711, decode(repeat('00ff5c27', 1000), 'hex'))" >/dev/null
# What pg_dump would otherwise write for sessions like these, and queries must not lean on.
sql bank "COMMENT ON TABLE days IS 'a \\ b'" "ALTER DATABASE bank SET standard_conforming_strings = off" "ALTER DATABASE bank SET backslash_quote = off"
belay 0 snapshot
sql bank "ALTER DATABASE bank RESET standard_conforming_strings" "ALTER DATABASE bank RESET backslash_quote"

begin "the script fills an empty database"
belay 0 export "$(basename backups/dev/*.tar .tar)"
cp "$OUT" "$WORK/script.sql"
sql postgres "CREATE DATABASE again"
sql_file again "$WORK/script.sql" >/dev/null
equals "schema" "$(schema_hash again)" "$(schema_hash bank)"
equals "rows" "$(data_hash again)" "$(data_hash bank)"
sql_is again "SELECT md5(lo_get(4711))" "$(sql bank "SELECT md5(lo_get(4711))")"
sql_is again "SELECT last_value, is_called FROM \"it's\"" "42|t"
sql_is again "SELECT nextval('days_id_seq')" 504

sql_is again "SELECT obj_description('days'::regclass)" 'a \ b'

out_has "-- end of snapshot"

begin "a script that failed half-way fails in psql, too"
cp -R backups "$WORK/whole"
python3 - backups/dev/*.tar <<'PYTHON'
import sys, tarfile
with tarfile.open(sys.argv[1]) as tar:
    at = [m.offset_data + m.size // 2 for m in tar if m.name.startswith("data/public.days/")][0]
with open(sys.argv[1], "r+b") as file:
    file.seek(at)
    byte = file.read(1)[0]
    file.seek(at)
    file.write(bytes([byte ^ 255]))
PYTHON
belay 1 export "$(basename backups/dev/*.tar .tar)"
out_lacks "-- end of snapshot"
sql postgres "CREATE DATABASE half"
status=0
psql -X -q -1 -v ON_ERROR_STOP=1 -d half -f "$OUT" >/dev/null 2>"$ERR" || status=$?
equals "psql's exit status" "$status" 3
sql_is half "SELECT count(*) FROM pg_class WHERE relname = 'days'" 0
sql postgres "DROP DATABASE half"
rm -r backups && mv "$WORK/whole" backups

begin "rows in binary format become text in a scratch database"
sql bank "CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0)" "CREATE TYPE span AS RANGE (subtype = float8)" \
    "CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b bytea, t text, n numeric, f float8, r real, d date, tz timestamptz, i interval, u uuid,
        j jsonb, js json, m money, c cents, s span, a int[], nested text[], x xml, v varbit, p polygon, net inet, q tsvector, lsn pg_lsn, ch char(5), twice int GENERATED ALWAYS AS (2) STORED, gone int)" \
    "ALTER TABLE plain DROP COLUMN gone" \
    "INSERT INTO plain (b, t, n, f, r, d, tz, i, u, j, js, m, c, s, a, nested, x, v, p, net, q, lsn, ch) SELECT decode(md5(g::text), 'hex'), E'tab\there\nline \\.\\N ä€ ' || g,
        CASE g % 4 WHEN 0 THEN 'NaN' WHEN 1 THEN 1e-30 * g ELSE g / 7.0 END, CASE g % 5 WHEN 0 THEN '-Infinity'::float8 ELSE 1e300 / g END, 1.0 / g, date '-infinity', now() - g * interval '1 day 3 s',
        g * interval '1 mon -2 days 3.000001 s', md5(g::text)::uuid, jsonb_build_object('k', g, 'ü', ARRAY[NULL, 'x']), '{\"a\":  1}', -12345.67 * g, g, span(g, NULL), ARRAY[g, NULL, 3], ARRAY[['a,\"b', NULL], ['', '\\']],
        xmlparse(CONTENT '<a>ä</a>'), B'101', '((0,0),(1,1),(2,0))', '10.0.0.0/8', 'fat:3A cat', '16/B374D848', 'ab' FROM generate_series(1, 3000) g" \
    "INSERT INTO plain DEFAULT VALUES" "CREATE TABLE nothing ()" "INSERT INTO nothing DEFAULT VALUES" \
    "CREATE TABLE \"Täble \"\"q\" (id int) PARTITION BY RANGE (id)" "CREATE TABLE part PARTITION OF \"Täble \"\"q\" DEFAULT" "INSERT INTO part VALUES (1), (2)" \
    "CREATE TABLE big (id int, t text)" "INSERT INTO big SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 40000) i" \
    "CREATE FUNCTION no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no DDL here''; END'" \
    "CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION no_ddl()"
belay 0 snapshot
id=$(basename "$(newest backups/dev '*.tar')" .tar)
tar -xOf "backups/dev/$id.tar" manifest.json >"$OUT"
python3 -c 'import json, sys
tables = {t["name"]: t for t in json.load(open(sys.argv[1]))["tables"]}
assert tables["plain"]["format"] == "binary" and len(tables["big"]["chunks"]) > 1, tables' "$OUT" || fail "not what the test wants"
# same DB: its pg_dump and its rows are those of bank
same() {
    equals "schema" "$(schema_hash "$1")" "$(schema_hash bank)"
    equals "rows" "$(data_hash "$1")" "$(data_hash bank)"
}
belay 0 export "$id"
cp "$OUT" "$WORK/script.sql"
equals "scratch databases" "$(databases | paste -sd' ')" "again bank"
sql postgres "CREATE DATABASE from_binary"
sql_file from_binary "$WORK/script.sql" >/dev/null
same from_binary
equals "last line" "$(tail -n 1 "$WORK/script.sql")" "-- end of snapshot $id"
sql_is from_binary "INSERT INTO plain (t) VALUES ('next') RETURNING id" 3002

begin "on a private server: the same, without the target's"
roles_before=$(sql postgres "SELECT count(*) FROM pg_roles")
sed -i.bak 's/^dbname = bank/&\nport = 1/' belay.ini
belay 1 export "$id"
err_has "--cluster"
out_is ""
belay 0 export "$id" --cluster
cmp "$OUT" "$WORK/script.sql" || fail "another script than by the target's server"
printf '[other]\nport=1\n[address]\nhostaddr=127.0.0.9\n' >"$HOME/.pg_service.conf"
PGSERVICE=other belay 0 export "$id" --cluster
started=$SECONDS
PGSERVICE=address belay 2 export "$id" --cluster
err_has "PGSERVICE"
[ $((SECONDS - started)) -lt 30 ] || fail "it waited for a server that it does not ask"
rm "$HOME/.pg_service.conf"
mv belay.ini.bak belay.ini
equals "roles" "$(sql postgres "SELECT count(*) FROM pg_roles")" "$roles_before"

begin "another encoding"
sql postgres "CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0"
PGCLIENTENCODING=UTF8 sql latin "CREATE TABLE \"größe\" (id int, \"wörter\" text)" "INSERT INTO \"größe\" VALUES (1, 'ü'), (2, 'ß')"
sed -i 's/^dbname = .*/dbname = latin/' belay.ini
belay 0 snapshot --json
belay 0 export "$(json id)"
cp "$OUT" "$WORK/latin.sql"
sql postgres "CREATE DATABASE latin2 ENCODING UTF8 LOCALE 'C' TEMPLATE template0"
sql_file latin2 "$WORK/latin.sql" >/dev/null
sql_is latin2 "SELECT string_agg(\"wörter\", ' ' ORDER BY id) FROM \"größe\"" "ü ß"

begin "what cannot be asked"
belay 2 export
belay 1 export nothing
belay 2 export "$id" --json
