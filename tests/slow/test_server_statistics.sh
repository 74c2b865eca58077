#!/bin/bash
# A server of 18 takes the planner's statistics of a snapshot over, instead of making its own: from a server of 15, and from itself.
# What the snapshot lacks, or the server does not take, is analyzed. Skipped where npm's servers are not to be had.
old_bin=$("${BELAY_SOURCE:?}/tests/support/server_of.sh" 15) && new_bin=$("$BELAY_SOURCE/tests/support/server_of.sh" 18) || exit 77
source "$BELAY_SOURCE/tests/support/lib.sh"
PATH=$new_bin:$PATH
export CLUSTER_CONF="autovacuum = off"
BELAY_PG_BIN=$old_bin start_cluster old
BELAY_PG_BIN=$new_bin start_cluster new
on() {
    PGHOST=$(cluster_host "$1")
    export PGHOST
    [ ! -e belay.ini ] || sed -i "s|^host = .*|host = $PGHOST|" belay.ini
}
on old
sql postgres "CREATE DATABASE plans"
cat >"$WORK/plans.sql" <<'SQL'
CREATE SCHEMA "Odd s";
CREATE TYPE mood AS ENUM ('good', 'bad', 'so so');
CREATE TABLE plain (id int PRIMARY KEY, gone int, kind int, mood mood, name text, words text[], doc jsonb, made int GENERATED ALWAYS AS (id * 2) STORED);
ALTER TABLE plain DROP COLUMN gone;
INSERT INTO plain SELECT i, 1 + i % 3, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN 'good' WHEN 2 THEN 'bad' ELSE 'so so' END::mood,
    E'it''s "' || i % 50 || E'"\\ \t,{ü}', ARRAY['a', 'b' || i % 5], '{"a": 1}' FROM generate_series(1, 5000) i;
CREATE INDEX ON plain (lower(name), id, (kind + 1));
CREATE TABLE "Odd s"."t ""1" AS SELECT i AS "a ""b", date '2026-01-01' + i % 400 AS at, repeat(md5(i::text), 4) AS filler FROM generate_series(1, 20000) i;
CREATE TABLE entries AS SELECT i AS id, 1 + i % 100 AS kind, repeat(md5(i::text), 10) AS filler FROM generate_series(1, 220000) i;
CREATE INDEX ON entries (kind);
CREATE TABLE parts (id int, at int) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10) PARTITION BY LIST (at);
CREATE TABLE parts_1_5 PARTITION OF parts_1 FOR VALUES IN (5);
CREATE TABLE parts_1_rest PARTITION OF parts_1 DEFAULT;
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (20) TO (30);
INSERT INTO parts SELECT i, i % 20 FROM generate_series(1, 4000) i;
CREATE TABLE parent (id int);
CREATE TABLE child (more int) INHERITS (parent);
INSERT INTO parent SELECT i FROM generate_series(1, 100) i;
INSERT INTO child SELECT i, i FROM generate_series(1000, 1100) i;
ANALYZE;
-- what the snapshot cannot have, or a server not take
CREATE TABLE never (id int);
INSERT INTO never SELECT i FROM generate_series(1, 100) i;
CREATE TABLE later (id int);
INSERT INTO later SELECT i FROM generate_series(1, 100) i;
ANALYZE later;
ALTER TABLE later ADD COLUMN added int DEFAULT 4;
CREATE TABLE together (a int, b int);
INSERT INTO together SELECT i % 10, i % 10 FROM generate_series(1, 1000) i;
CREATE STATISTICS both_columns (dependencies) ON a, b FROM together;
CREATE TABLE ranges (r int4range);
INSERT INTO ranges SELECT int4range(i, i + 10) FROM generate_series(1, 100) i;
CREATE TABLE by_mood (m mood, n int) PARTITION BY HASH (m);
CREATE TABLE by_mood_0 PARTITION OF by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_mood_1 PARTITION OF by_mood FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO by_mood SELECT (ARRAY['good', 'bad', 'so so'])[1 + i % 3]::mood, i FROM generate_series(1, 300) i;
CREATE TABLE leaves (id int, at int) PARTITION BY RANGE (at);
CREATE TABLE leaves_1 PARTITION OF leaves FOR VALUES FROM (0) TO (10);
INSERT INTO leaves SELECT i, i % 10 FROM generate_series(1, 1000) i;
ANALYZE together, ranges, by_mood, leaves_1;
CREATE TABLE broken (id int, kind int);
INSERT INTO broken SELECT i, i % 3 FROM generate_series(1, 1000) i;
ANALYZE broken;
SET allow_system_table_mods = on;
UPDATE pg_statistic SET stanumbers1 = NULL WHERE starelid = 'broken'::regclass AND staattnum = 2;
-- since then, the rows are others: whoever analyzes finds that
UPDATE plain SET kind = 7;
UPDATE entries SET kind = 7;
UPDATE "Odd s"."t ""1" SET at = '2020-02-02';
UPDATE parts SET id = 7;
UPDATE leaves SET id = 7;
UPDATE parent SET id = 7;
SQL
sql_file plans "$WORK/plans.sql" >/dev/null
cd "$WORK"
PROJECT_KEYS="gate = none
jobs = 2" write_project plans development
belay 0 stamp base

taken="'plain', 't \"1', 'entries', 'parts', 'parts_1', 'parts_1_5', 'parts_1_rest', 'parts_2', 'parent', 'child', 'plain_lower_id_expr_idx', 'leaves_1'"
analyzed="'never', 'later', 'together', 'ranges', 'by_mood_0', 'by_mood_1', 'leaves', 'broken'"
statistics() {
    sql plans "SELECT schemaname, tablename, attname, inherited, null_frac, avg_width, n_distinct, most_common_vals, most_common_freqs, histogram_bounds,
            correlation, most_common_elems, most_common_elem_freqs, elem_count_histogram
        FROM pg_stats WHERE tablename IN ($taken) ORDER BY 1, 2, 3, 4"
}
# check_statistics: of the database, on the server that was restored to.
check_statistics() {
    equals "statistics" "$(statistics)" "$before"
    sql_is plans "SELECT relname FROM pg_stat_user_tables WHERE last_analyze IS NOT NULL AND relname IN ($taken)" ""
    sql_is plans "SELECT relname FROM pg_stat_user_tables WHERE last_analyze IS NULL AND relname IN ($analyzed)" ""
    sql_is plans "SELECT count(*) FROM pg_stats_ext WHERE statistics_name = 'both_columns' AND dependencies IS NOT NULL" 1
    sql_is plans "SELECT count(*) FROM pg_stats WHERE tablename = 'ranges' AND range_bounds_histogram IS NOT NULL" 1
    sql_is plans "SELECT count(*) FROM pg_stats WHERE tablename = 'broken' AND most_common_freqs IS NOT NULL" 1
    # Rows and pages are those of the new tables, and all that rows lie in is visible; pages at the end that nothing was written to may count as well.
    sql plans "CREATE EXTENSION IF NOT EXISTS pg_visibility"
    sql_is plans "SELECT relname, reltuples, count, relpages, pages, relallvisible, relallfrozen, all_visible, all_frozen FROM pg_class c,
            LATERAL (SELECT (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM ONLY %s', c.oid::regclass), false, true, '')))[1]::text::bigint) AS n(count),
            LATERAL (SELECT pg_relation_size(c.oid) / 8192) AS p(pages), LATERAL pg_visibility_map_summary(c.oid)
        WHERE relkind = 'r' AND relname IN ($taken) AND (reltuples <> count OR relpages <> pages OR relallvisible NOT BETWEEN all_visible AND pages OR relallfrozen NOT BETWEEN all_frozen AND pages OR all_visible = 0)" ""
    sql_is plans "SELECT reltuples FROM pg_class WHERE relname = 'parts'" 4000
}

begin "a snapshot of 15 holds what its server shows"
before=$(statistics)
belay 0 snapshot --json
snapshot=$(json id)
belay 0 verify "$snapshot"
tar -xOf "backups/dev/$snapshot.tar" blobs/statistics-1.zst | zstd -dc >"$WORK/lines"
grep -qF '{"schema":"public","table":"plain","column":"kind","inherited":false,' "$WORK/lines" || fail "no line of a column"
python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$WORK/lines"

begin "15 makes its own, as ever"
belay 0 prove "$snapshot"

begin "18 takes them over"
on new
sql postgres "CREATE DATABASE plans"
belay 0 restore "$snapshot" --yes
err_has "the snapshot's statistics of public.broken were not taken over, it was analyzed"
[ "$(grep -c "were not taken over" "$ERR")" -eq 1 ] || fail "others were not taken over"
check_statistics

begin "and from itself, whoever restores"
sql plans "ANALYZE leaves, ranges"
before=$(statistics)
belay 0 snapshot --json
snapshot=$(json id)
belay 0 restore "$snapshot" --yes -j 4
analyzed="'together', 'by_mood_0', 'by_mood_1'"
check_statistics
