#!/bin/bash
# Tables that are large enough for what small ones do not get: chunks by several workers, keys whose index is built beside the
# others, foreign keys in two steps, comparison in ranges. pg_dump of the restored database is the source's; a changed row is found.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
CLUSTER_CONF="log_connections = on" start_cluster
sql postgres "CREATE DATABASE large"
cat >"$WORK/large.sql" <<'SQL'
CREATE SCHEMA "Odd s";
CREATE TABLE kinds (id int PRIMARY KEY, name text UNIQUE);
INSERT INTO kinds SELECT i, 'k' || i FROM generate_series(1, 100) i;
CREATE TABLE entries (id bigint NOT NULL, kind int NOT NULL, at timestamptz, twice bigint GENERATED ALWAYS AS (id * 2) STORED, filler text);
INSERT INTO entries (id, kind, at, filler) SELECT i, 1 + i % 100, '2026-01-01'::timestamptz + i * interval '1 minute', repeat(md5(i::text), 10) FROM generate_series(1, 220000) i;
ALTER TABLE entries ADD CONSTRAINT "primary (key)" PRIMARY KEY (id) INCLUDE (kind) WITH (fillfactor = 70);
ALTER TABLE entries ADD CONSTRAINT twice_once UNIQUE (twice) DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX entries_at ON entries (at);
CREATE INDEX entries_filler ON entries (md5(filler)) WHERE kind < 50;
ALTER TABLE entries CLUSTER ON "primary (key)";
ALTER TABLE entries ALTER COLUMN kind SET STATISTICS 500;
CREATE STATISTICS entries_both (dependencies) ON kind, at FROM entries;
COMMENT ON CONSTRAINT "primary (key)" ON entries IS 'a key';
COMMENT ON INDEX entries_at IS 'an index';
ALTER TABLE entries ADD CONSTRAINT of_kind FOREIGN KEY (kind) REFERENCES kinds;
COMMENT ON CONSTRAINT of_kind ON entries IS 'a foreign key';
CREATE TABLE "Odd s"."t ""1" (a int NOT NULL, b int, entry bigint, again bigint, filler text);
INSERT INTO "Odd s"."t ""1" SELECT i, i % 7, i, i + 1000, repeat(md5(i::text), 6) FROM generate_series(1, 50000) i;
CREATE UNIQUE INDEX identity ON "Odd s"."t ""1" (a);
ALTER TABLE "Odd s"."t ""1" REPLICA IDENTITY USING INDEX identity;
ALTER TABLE "Odd s"."t ""1" ADD CONSTRAINT "c, ""x" UNIQUE (b, a);
ALTER TABLE "Odd s"."t ""1" ADD FOREIGN KEY (entry) REFERENCES entries, ADD CONSTRAINT loose FOREIGN KEY (again) REFERENCES entries NOT VALID;
ALTER TABLE "Odd s"."t ""1" ADD CONSTRAINT no_overlap EXCLUDE USING btree (a WITH =);
CREATE TABLE parts (id int, at date, kind int, filler text) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
INSERT INTO parts SELECT i, '2026-01-01'::date + i % 59, 1 + i % 100, repeat(md5(i::text), 10) FROM generate_series(1, 60000) i;
ALTER TABLE parts ADD PRIMARY KEY (id, at);
CREATE INDEX ON parts (kind);
ALTER TABLE parts ADD FOREIGN KEY (kind) REFERENCES kinds;
CREATE TABLE of_parts (id int, at date, FOREIGN KEY (id, at) REFERENCES parts);
INSERT INTO of_parts SELECT id, at FROM parts WHERE id < 500;
CREATE UNLOGGED TABLE cached (id int PRIMARY KEY, filler text);
INSERT INTO cached SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 40000) i;
-- a key that the rows violate, in two steps
CREATE TABLE violating (id int, kind int REFERENCES kinds, filler text);
INSERT INTO violating SELECT i, 1 + i % 100, repeat(md5(i::text), 10) FROM generate_series(1, 6000) i;
SET session_replication_role = replica;
INSERT INTO violating VALUES (0, 777, '');
RESET session_replication_role;
CREATE MATERIALIZED VIEW by_kind AS SELECT kind, count(*) FROM entries GROUP BY 1;
CREATE UNIQUE INDEX ON by_kind (kind);
SQL
sql_file large "$WORK/large.sql" >/dev/null
schema_lines() {
    pg_dump --schema-only --exclude-schema=belay -d "$1" |
        sed -e '/^\\restrict /d; /^\\unrestrict /d; /^-- /d; /violating_kind_fkey/s/ NOT VALID//' | sort
}
# connections_of_last: how many the last proof made to its database.
connections_of_last() {
    grep -c "database=$(grep -oE 'large__belay_scratch_[0-9a-z]+' "$(server_log)" | tail -n 1)" "$(server_log)"
}
cd "$WORK"
PROJECT_KEYS="gate = none
jobs = 3" write_project large development

begin "it comes back as it was"
belay 0 stamp base
belay 0 snapshot --json
snapshot=$(json id)
belay 0 prove "$snapshot" --json -j 4
of_four=$(connections_of_last)
json warnings | grep -q violating_kind_fkey || fail "the proof does not warn of the violated key"
sql postgres "ALTER DATABASE large RENAME TO large_before"
belay 0 restore "$snapshot" --yes
diff <(schema_lines large_before) <(schema_lines large) >"$WORK/diff" || fail "schemas differ: $(head -20 "$WORK/diff")"
equals "rows" "$(data_hash large)" "$(data_hash large_before)"
sql_is large "SELECT conname FROM pg_constraint WHERE NOT convalidated ORDER BY 1" "loose
violating_kind_fkey"
sql_is large "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'belay\\_restore%'" 0

begin "analyzed, and frozen whoever loaded it"
sql_is large "SELECT count(*) > 3 FROM pg_stats WHERE tablename IN ('entries', 'parts') AND n_distinct <> 0" t
sql large "CREATE EXTENSION pg_visibility" "CREATE EXTENSION pageinspect"
# From 16 on several loaders may leave pages that nothing was ever written to.
sql_is large "SELECT relname FROM pg_class c WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', '\"Odd s\"') AND relname <> 'alembic_version'
    AND EXISTS (SELECT FROM pg_visibility_map(c.oid) WHERE NOT all_frozen
        AND (page_header(get_raw_page(c.oid::regclass::text, blkno::int))).lower > 24) ORDER BY 1" ""

begin "one job does the same"
belay 0 prove "$snapshot" -j 1
[ "$(connections_of_last)" -lt "$of_four" ] || fail "-j 1 made as many connections as -j 4"
belay 2 prove "$snapshot" -j 65
belay 2 prove "$snapshot" -j 0
belay 2 snapshot -j -1
err_has "--jobs"

begin "a comparison of any database reads it with several connections, and finds the row that differs"
compare() {
    LAST="restore_driver compare"
    "${BELAY_TESTS:?}/restore_driver" compare "$WORK/project/backups" dev "$snapshot" large_before >"$OUT" 2>"$ERR" || fail "no comparison"
}
compare
out_is equal
sessions=$(grep -c 'authorized.* database=large_before application_name=restore_driver' "$(server_log)")
equals "sessions that compared" "$sessions" 4
sql large_before "UPDATE entries SET filler = 'other' WHERE id = 110000" "DELETE FROM parts WHERE id = 50005" "ALTER TABLE cached RENAME filler TO other"
compare
out_has "table public.entries: 220000 rows, but other values in at least one of them"
out_has "table public.parts_"
out_has 'table public.cached: column "filler" does not exist'
