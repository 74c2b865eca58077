#!/bin/bash
# `belay export`: the script fills an empty database with the same schema and rows; what no script can carry is refused.
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
belay 0 snapshot

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

begin "rows in binary format are refused, with the way round"
sql bank "CREATE TABLE plain (id int)" "INSERT INTO plain VALUES (1)"
belay 0 snapshot
belay 3 export "$(basename "$(newest backups/dev '*.tar')" .tar)"
out_is ""
err_has "public.plain"
err_has "restore.sh scratch"
belay 2 export
belay 1 export nothing
