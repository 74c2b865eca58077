#!/bin/bash
# Many tables: a restore makes them on several connections, and what one of them cannot make yet, afterwards.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
sql postgres "CREATE DATABASE many"
cat >"$WORK/many.sql" <<'SQL'
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE FUNCTION helper(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 / 10';
CREATE FUNCTION leaning(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT helper($1)';
DO $$ BEGIN FOR i IN 1 .. 90 LOOP
    EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, now mood DEFAULT ''glad'', other int)', i);
    EXECUTE format('COMMENT ON TABLE t%s IS ''the table %1$s''; COMMENT ON COLUMN t%1$s.now IS ''at present''', i);
    EXECUTE format('CREATE VIEW v%s AS SELECT id, now FROM t%1$s', i);
    EXECUTE format('CREATE TABLE child%s (more text) INHERITS (t%1$s)', i);
END LOOP; END $$;
-- between the views: a table that needs one of them, and one that can be made only under the source's path
CREATE TABLE of_view (v v7);
CREATE TABLE by_tens (id int) PARTITION BY RANGE (leaning(id));
CREATE TABLE by_tens_0 PARTITION OF by_tens FOR VALUES FROM (0) TO (1);
CREATE TABLE by_tens_1 PARTITION OF by_tens FOR VALUES FROM (1) TO (2);
CREATE TABLE wide (id int, day date) PARTITION BY LIST (id);
DO $$ BEGIN FOR i IN 1 .. 30 LOOP
    EXECUTE format('CREATE TABLE wide_%s PARTITION OF wide FOR VALUES IN (%1$s)', i);
END LOOP; END $$;
CREATE FUNCTION of_table(t3) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT ($1).id';
INSERT INTO t1 SELECT FROM generate_series(1, 5);
INSERT INTO by_tens SELECT generate_series(0, 19);
ALTER TABLE t2 ADD FOREIGN KEY (other) REFERENCES t1;
SQL
sql_file many "$WORK/many.sql" >/dev/null
schema_of() {
    pg_dump --schema-only --exclude-schema=belay -d "$1" | sed -e '/^\\restrict /d; /^\\unrestrict /d'
}
cd "$WORK"
PROJECT_KEYS="gate = none
jobs = 3" write_project many development

begin "the schema comes back as it was"
belay 0 stamp base
schema_of many >"$WORK/before"
belay 0 snapshot --json
id=$(json id)
belay 0 restore "$id" --yes
schema_of many >"$WORK/after"
diff "$WORK/before" "$WORK/after" || fail "the schema differs"
sql_is many "SELECT count(*), (SELECT count(*) FROM by_tens) FROM t1" "5|20"
