#!/bin/bash
# Foreign keys of partitioned tables come back through those of the partitions, which are checked side by side, and everything
# is as at the source: names, which constraint belongs to which, what pg_dump says. Where that way would not end so, the key
# is added at once.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
CLUSTER_CONF="log_statement = ddl" start_cluster
sql postgres "CREATE DATABASE large"
cat >"$WORK/large.sql" <<'SQL'
CREATE TABLE kinds (id int PRIMARY KEY, name text);
INSERT INTO kinds SELECT i, 'k' || i FROM generate_series(1, 100) i;
-- several levels, columns in another order, a column dropped
CREATE TABLE parts (id int, at date, kind int, other int, filler text, plain int) PARTITION BY RANGE (at);
CREATE TABLE parts_1 (filler text, gone int, other int, kind int, at date, id int, plain int) PARTITION BY LIST (other);
ALTER TABLE parts_1 DROP COLUMN gone;
CREATE TABLE "parts_1 ""a" (gone int, at date, id int, plain int, other int, filler text, kind int);
ALTER TABLE "parts_1 ""a" DROP COLUMN gone;
ALTER TABLE parts_1 ATTACH PARTITION "parts_1 ""a" FOR VALUES IN (1, 2, 3);
CREATE TABLE parts_1_rest PARTITION OF parts_1 DEFAULT;
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE parts_empty PARTITION OF parts FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
INSERT INTO parts SELECT i, '2026-01-01'::date + i % 59, 1 + i % 100, 1 + i % 5, repeat(md5(i::text), 10), 1 + i % 90 FROM generate_series(1, 60000) i;
ALTER TABLE parts ADD PRIMARY KEY (id, at, other);
-- by way of the partitions
ALTER TABLE parts ADD CONSTRAINT "of ""kind" FOREIGN KEY (kind) REFERENCES kinds ON DELETE CASCADE ON UPDATE SET DEFAULT DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE parts ADD CONSTRAINT of_other FOREIGN KEY (other) REFERENCES kinds;
COMMENT ON CONSTRAINT of_other ON parts IS 'a comment';
ALTER TABLE parts_1 ADD CONSTRAINT of_one_level FOREIGN KEY (plain) REFERENCES kinds;
-- a circle
ALTER TABLE kinds ADD part int DEFAULT 1, ADD at date DEFAULT '2026-01-02', ADD other int DEFAULT 2, ADD CONSTRAINT of_part FOREIGN KEY (part, at, other) REFERENCES parts;
-- a name that a partition uses for something else
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));
INSERT INTO pairs SELECT a, b FROM generate_series(1, 90) a, generate_series(1, 5) b;
ALTER TABLE parts_2 ADD CONSTRAINT taken CHECK (id > 0);
ALTER TABLE parts ADD CONSTRAINT taken FOREIGN KEY (plain, other) REFERENCES pairs;
-- of the table itself, and to a partitioned one
ALTER TABLE parts ADD CONSTRAINT of_itself FOREIGN KEY (id, at, other) REFERENCES parts;
CREATE TABLE of_parts (id int, at date, other int, filler text) PARTITION BY RANGE (id);
CREATE TABLE of_parts_1 PARTITION OF of_parts FOR VALUES FROM (0) TO (1000000);
INSERT INTO of_parts SELECT id, at, other, filler FROM parts WHERE id < 30000;
ALTER TABLE of_parts ADD FOREIGN KEY (id, at, other) REFERENCES parts;
-- a partition's own key that is like the table's
CREATE TABLE doubles (id int, kind int, filler text) PARTITION BY RANGE (id);
CREATE TABLE a_double PARTITION OF doubles FOR VALUES FROM (0) TO (1000000);
INSERT INTO doubles SELECT i, 1 + i % 100, repeat(md5(i::text), 10) FROM generate_series(1, 20000) i;
ALTER TABLE doubles ADD CONSTRAINT whole FOREIGN KEY (kind) REFERENCES kinds;
ALTER TABLE a_double ADD CONSTRAINT own FOREIGN KEY (kind) REFERENCES kinds;
-- two of a table that are alike
CREATE TABLE twice (id int, kind int, filler text) PARTITION BY RANGE (id);
CREATE TABLE twice_1 PARTITION OF twice FOR VALUES FROM (0) TO (1000000);
INSERT INTO twice SELECT i, 1 + i % 100, repeat(md5(i::text), 10) FROM generate_series(1, 20000) i;
ALTER TABLE twice ADD CONSTRAINT one FOREIGN KEY (kind) REFERENCES kinds;
ALTER TABLE twice ADD CONSTRAINT two FOREIGN KEY (kind) REFERENCES kinds;
-- what was not checked at the source is no fault of a restore, gone on with or not
ALTER TABLE pairs ADD CONSTRAINT unchecked CHECK (a > 0) NOT VALID;
-- a key that the rows of one partition violate
CREATE TABLE violating (id int, kind int, filler text) PARTITION BY RANGE (id);
CREATE TABLE violating_1 PARTITION OF violating FOR VALUES FROM (0) TO (10000);
CREATE TABLE violating_2 PARTITION OF violating FOR VALUES FROM (10000) TO (20000);
ALTER TABLE violating ADD CONSTRAINT violated FOREIGN KEY (kind) REFERENCES kinds;
INSERT INTO violating SELECT i, 1 + i % 100, repeat(md5(i::text), 10) FROM generate_series(1, 19000) i;
SET session_replication_role = replica;
INSERT INTO violating VALUES (15000, 777, '');
RESET session_replication_role;
SQL
version=$(sql postgres "SHOW server_version_num")
if [ "$version" -ge 180000 ]; then
    cat >>"$WORK/large.sql" <<'SQL'
ALTER TABLE parts ADD CONSTRAINT not_checked FOREIGN KEY (id, kind) REFERENCES pairs NOT ENFORCED;
ALTER TABLE parts ADD CONSTRAINT not_valid FOREIGN KEY (id) REFERENCES kinds NOT VALID;
CREATE TABLE plain_one AS SELECT * FROM parts;
ALTER TABLE plain_one ADD CONSTRAINT not_checked FOREIGN KEY (kind) REFERENCES kinds NOT ENFORCED;
SQL
fi
sql_file large "$WORK/large.sql" >/dev/null
schema_lines() {
    pg_dump --schema-only --exclude-schema=belay -d "$1" | sed -e '/^\\restrict /d; /^\\unrestrict /d; /^-- /d' | sort
}
# What each constraint is, and of which one it is a part.
constraints() {
    sql "$1" "SELECT k.conrelid::regclass, k.conname, p.conrelid::regclass, p.conname, pg_get_constraintdef(k.oid), k.convalidated, k.coninhcount, k.conislocal,
            (SELECT count(*) FROM pg_trigger t WHERE t.tgconstraint = k.oid)
        FROM pg_constraint k LEFT JOIN pg_constraint p ON p.oid = k.conparentid WHERE k.contype = 'f'
            AND coalesce(p.conrelid, k.conrelid) NOT IN ('kinds'::regclass, 'of_parts'::regclass)
        ORDER BY k.conrelid::regclass::text, k.conname, p.conname"
}
cd "$WORK"
PROJECT_KEYS="gate = none
jobs = 3" write_project large development
belay 0 stamp base
belay 0 snapshot --json
snapshot=$(json id)

begin "everything is as it was, but for the key that is violated"
sql postgres "ALTER DATABASE large RENAME TO large_before"
belay 0 restore "$snapshot" --yes
err_has violated
sql large_before "ALTER TABLE violating DROP CONSTRAINT violated"
[ "$version" -lt 180000 ] || sql large_before "ALTER TABLE violating ADD CONSTRAINT violated FOREIGN KEY (kind) REFERENCES kinds NOT VALID"
diff <(schema_lines large_before) <(schema_lines large) >"$WORK/diff" || fail "schemas differ: $(head -20 "$WORK/diff")"
diff <(constraints large_before) <(constraints large) >"$WORK/diff" || fail "constraints differ: $(head -20 "$WORK/diff")"

begin "through the partitions where that is the same, else at once"
# By the server's log, which has a line for each statement that adds one.
by_partitions() {
    grep -qE "ADD CONSTRAINT $1 FOREIGN KEY .* NOT VALID" "$(server_log)"
}
for name in '"of ""kind"' of_other of_one_level violated; do
    by_partitions "$name" || fail "$name was not added to the partitions first"
done
for name in of_itself of_parts_id_at_other_fkey whole one two; do
    by_partitions "$name" && fail "$name was added to partitions first"
done
grep -q "VALIDATE CONSTRAINT \"of \"\"kind\"" "$(server_log)" || fail "no partition was checked by itself"

begin "one worker adds them at once, and ends with the same"
sql postgres "DROP DATABASE large"
: >"$(server_log)"
belay 0 restore "$snapshot" --yes -j 1
by_partitions of_other && fail "of_other was added to partitions first"
diff <(constraints large_before) <(constraints large) >"$WORK/diff" || fail "constraints differ: $(head -20 "$WORK/diff")"

begin "killed once the partitions have a key, it goes on, and ends with the same"
in_new() {
    local new
    new=$(psql -X -At -d postgres -c "SELECT datname FROM pg_database WHERE datname ~ '__belay_new_'")
    [ -n "$new" ] && [ "$(psql -X -At -d "$new" -c "$1" 2>/dev/null)" = t ]
}
come_to() {
    in_new "SELECT EXISTS (SELECT FROM pg_constraint WHERE conname = '$1' AND contype = 'f')" || ! kill -0 "$pid" 2>/dev/null
}
for name in 'of "kind' violated of_one_level; do
    sql postgres "DROP DATABASE large"
    LAST="belay restore, killed at $name"
    "$BELAY" restore "$snapshot" --yes >"$OUT" 2>"$ERR" </dev/null &
    pid=$!
    wait_until come_to "$name"
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    belay 0 recover
    diff <(constraints large_before) <(constraints large) >"$WORK/diff" || fail "constraints differ: $(head -20 "$WORK/diff")"
done
