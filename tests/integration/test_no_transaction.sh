#!/bin/bash
# `Transaction: no`: statements that refuse a transaction, what each leaves when it fails, and where the same command goes on.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
PROJECT_KEYS='gate = rename' make_empty_project bank staging
is_valid() { sql bank "SELECT coalesce((SELECT indisvalid::text FROM pg_index WHERE indexrelid = to_regclass('$1')), 'none')"; }
invalid() { sql bank "SELECT count(*) FROM pg_index WHERE NOT indisvalid"; }
runs_once() { sql bank "SELECT count(*) FROM log WHERE word = '$1'"; }

add_migration a1 "" "Begin" >"$WORK/file" <<'SQL'
CREATE TABLE log (word text);
CREATE TABLE t (id int, word text);
INSERT INTO t SELECT i, 'word ' || i FROM generate_series(1, 100) i;
CREATE UNIQUE INDEX t_id ON t (id);
CREATE MATERIALIZED VIEW m AS SELECT id FROM t;
CREATE UNIQUE INDEX m_id ON m (id);
CREATE TYPE mood AS ENUM ('sad');
CREATE TABLE parts (id int) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (1) TO (100);
SQL
belay 0 upgrade head

begin "each statement that refuses a transaction"
add_migration a2 a1 "All kinds" "Transaction: no" >"$WORK/file" <<'SQL'
VACUUM (ANALYZE) t;
CREATE INDEX CONCURRENTLY t_word ON t (word);
REINDEX INDEX CONCURRENTLY t_word;
REINDEX (VERBOSE) TABLE CONCURRENTLY t;
REFRESH MATERIALIZED VIEW CONCURRENTLY m;
ALTER TYPE mood ADD VALUE 'glad';
CREATE TABLE feels (m mood DEFAULT 'glad');
ALTER TABLE parts DETACH PARTITION part1 CONCURRENTLY;
COPY t FROM stdin;
1000	thousand
\.
DROP INDEX CONCURRENTLY t_word;
BEGIN;
INSERT INTO log VALUES ('own transaction');
COMMIT;
WITH gone AS (DELETE FROM t WHERE id = 1000 RETURNING id) INSERT INTO log SELECT 'gone ' || id FROM gone;
SQL
belay 0 upgrade head
equals "index" "$(is_valid t_word)" none
equals "rows" "$(sql bank "SELECT string_agg(word, ',' ORDER BY word) FROM log")" "gone 1000,own transaction"
equals "detached" "$(sql bank "SELECT relispartition FROM pg_class WHERE relname = 'part1'")" f

begin "REINDEX CONCURRENTLY that failed: its _ccnew index is dropped before it runs again"
sql bank "INSERT INTO log VALUES ('twice'), ('twice')"
file=$(add_migration a3 a2 "Reindex" "Transaction: no" <<'SQL'
INSERT INTO log VALUES ('before');
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS log_word ON log (word) WHERE word <> 'x';
INSERT INTO log VALUES ('behind');
SQL
)
belay 1 upgrade head
equals "index" "$(is_valid log_word)" false
sed -i 's/^CREATE UNIQUE.*/REINDEX INDEX CONCURRENTLY log_word;/' "$file"
belay 1 upgrade head
equals "index" "$(is_valid log_word_ccnew)" false
sql bank "DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log WHERE word = 'twice')"
belay 0 upgrade head
err_has "dropping the invalid index public.log_word_ccnew"
equals "indexes" "$(is_valid log_word) $(invalid)" "true 0"
equals "each once" "$(runs_once before) $(runs_once behind)" "1 1"

begin "a statement that was mended after it failed counts as it stands now"
sql bank "DROP INDEX log_word"
file=$(add_migration a4 a3 "Mend twice" "Transaction: no" <<'SQL'
INSERT INTO log VALUES ('one');
INSERT INTO log VALUES (1 / 0);
INSERT INTO log VALUES (2 / 0);
SQL
)
belay 1 upgrade head
sed -i "s|1 / 0|'two'|" "$file"
belay 1 upgrade head
sed -i "s|2 / 0|'three'|" "$file"
belay 0 upgrade head
equals "each once" "$(runs_once one) $(runs_once two) $(runs_once three)" "1 1 1"

begin "an index of that name that was there before is no leftover of belay's"
sql bank "CREATE INDEX there ON t (id)"
file=$(add_migration a5 a4 "Exists" "Transaction: no" <<<'CREATE INDEX CONCURRENTLY there ON t (word);')
belay 1 upgrade head
belay 1 upgrade head
err_has 'relation "there" already exists'
equals "columns" "$(sql bank "SELECT pg_get_indexdef('there'::regclass)")" "CREATE INDEX there ON public.t USING btree (id)"
sql bank "DROP INDEX there"
belay 0 upgrade head

begin "a procedure that commits half and fails: a deploy restores"
before=$(data_hash bank)
file=$(add_migration a6 a5 "Call" "Transaction: no" <<'SQL'
CREATE PROCEDURE half() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('half'); COMMIT; PERFORM 1 / 0; END $$;
CALL half();
SQL
)
belay 4 deploy
err_has "division by zero"
equals "rows" "$(data_hash bank)" "$before"
sql_is bank "SELECT version_num FROM alembic_version" a5
rm "$file"

# held SQL: another session with a transaction that ran it; let_go ends it.
held() {
    coproc HOLDER { exec psql -X -At -d bank; }
    echo "BEGIN; $1; SELECT 'held';" >&"${HOLDER[1]}"
    local line
    while read -r line <&"${HOLDER[0]}" && [ "$line" != held ]; do :; done
}
let_go() {
    local pid=$HOLDER_PID
    kill "$pid"
    wait "$pid" 2>/dev/null || true
}

begin "a lock that is not given within the file's own transaction: tried again from its BEGIN, and named"
sed -i 's/^gate = rename/gate = rename\nlock_timeout = 100ms/' belay.ini
held "SELECT * FROM t"
file=$(add_migration a6 a5 "Own" "Transaction: no" <<'SQL'
INSERT INTO log VALUES ('first own');
BEGIN;
INSERT INTO log VALUES ('in own');
ALTER TABLE t ADD COLUMN own int;
COMMIT;
SQL
)
belay 1 upgrade head
err_has "after 5 attempts"
err_has "blocked by pid "
let_go
belay 0 upgrade head
err_lacks "under way"
equals "each once" "$(runs_once 'first own') $(runs_once 'in own')" "1 1"

begin "a transaction of the file that is not ended: exit 1, since a statement stands, and nothing is left under way"
file=$(add_migration a7 a6 "Open" "Transaction: no" <<<"INSERT INTO log VALUES ('first open'); BEGIN; INSERT INTO log VALUES ('in open');")
belay 1 upgrade head
err_has "begins a transaction and does not end it"
echo "COMMIT;" >>"$file"
belay 0 upgrade head
err_lacks "under way"
equals "each once" "$(runs_once 'first open') $(runs_once 'in open')" "1 1"

begin "a statement that ran, and whose record could not be written, is not sent again"
sql postgres "CREATE ROLE marker"
sql bank "CREATE FUNCTION wait() RETURNS int LANGUAGE plpgsql AS \$\$
BEGIN
    WHILE EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'marker') LOOP PERFORM pg_catalog.pg_sleep(0.02); END LOOP;
    RETURN 1;
END \$\$"
busy() { [ "$(sql bank "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query ~ 'marker' AND pid <> pg_backend_pid()")" = 1 ]; }
file=$(add_migration a8 a7 "Record" "Transaction: no" <<<"DO \$\$ BEGIN INSERT INTO log VALUES ('code a8'); COMMIT; PERFORM wait(); /* marker */ END \$\$;")
"$BELAY" upgrade head >"$OUT" 2>"$ERR" </dev/null &
upgrade_pid=$!
wait_until busy
held "LOCK TABLE belay.progress IN SHARE MODE"
sql postgres "DROP ROLE marker"
status=0
wait "$upgrade_pid" || status=$?
let_go
equals "status" "$status" 5
err_has "it may have been carried out"
equals "once" "$(runs_once 'code a8')" 1
sql bank "UPDATE belay.progress SET finished_at = now()"
belay 0 upgrade head
equals "once" "$(runs_once 'code a8')" 1
sed -i '/^lock_timeout/d' belay.ini

# killed ID SQL: upgrades to a migration with this statement as its third, and ends belay while the server is at it. The server
# does not notice before the statement has ended.
killed() {
    sql postgres "CREATE ROLE marker"
    printf '%s\n' "SET client_connection_check_interval = 0;" "INSERT INTO log VALUES ('first $1');" "$2" "INSERT INTO log VALUES ('last $1');" |
        add_migration "$1" "$(sql bank "SELECT version_num FROM alembic_version")" "Killed" "Transaction: no" >"$WORK/file"
    "$BELAY" upgrade head >"$OUT" 2>"$ERR" </dev/null &
    local pid=$!
    wait_until busy
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
}
idle() { ! busy; }
release() {
    sql postgres "DROP ROLE marker"
    wait_until idle
}

begin "killed at code that nobody can judge: still running is said; then a person is asked, and believed"
killed b1 "DO \$\$ BEGIN INSERT INTO log VALUES ('code'); COMMIT; PERFORM wait(); /* marker */ END \$\$;"
belay 6 upgrade head
err_has "still being carried out by the server's process"
release
belay 5 upgrade head --json
json_is error.code unfinished_run
grep -qE "statement 3 of .*_b1_killed.sql was under way when run [^ ]+ ended without a word: it may have been carried out" "$OUT" || fail "what was under way"
equals "ran" "$(runs_once code)" 1
sql bank "$(json error.hint | grep -oE "UPDATE [^;]*")"
belay 0 upgrade head
equals "each once" "$(runs_once 'first b1') $(runs_once code) $(runs_once 'last b1')" "1 1 1"

begin "killed at rows: known to be rolled back, and sent again"
killed b2 "INSERT INTO log SELECT 'rows' FROM wait() /* marker */;"
release
belay 0 upgrade head
err_has "the server rolled it back together with its record"
equals "each once" "$(runs_once 'first b2') $(runs_once rows) $(runs_once 'last b2')" "1 1 1"

begin "killed at what was carried out after all, and says so when it runs again"
killed b3 "CREATE TABLE later AS SELECT wait() /* marker */;"
release
belay 1 upgrade head
err_has "it may have been carried out, and is sent again"
err_has 'relation "later" already exists'
err_has "UPDATE belay.progress SET finished_at = now()"
sql bank "UPDATE belay.progress SET finished_at = now() WHERE revision = 'b3' AND direction = 'upgrade' AND statement = 3"
belay 0 upgrade head
equals "each once" "$(runs_once 'first b3') $(runs_once 'last b3')" "1 1"
sql_is bank "SELECT count(*) FROM belay.progress" 0
