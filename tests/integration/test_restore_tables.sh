#!/bin/bash
# `belay restore ID --table NAME`: chosen tables beside what there is, never over it, all or nothing.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project
sql bank "CREATE TYPE mood AS ENUM ('good', 'bad')" "CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0)" \
    "CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, mood mood DEFAULT 'good')" \
    "CREATE TABLE orders (id serial PRIMARY KEY, customer int NOT NULL REFERENCES customers, amount cents, twice bigint GENERATED ALWAYS AS (amount * 2) STORED, note text CHECK (note <> 'x'), old text)" \
    "ALTER TABLE orders DROP COLUMN old" "COMMENT ON TABLE orders IS 'what was ordered'" \
    "CREATE STATISTICS orders_stats ON customer, amount FROM orders" \
    "CREATE INDEX orders_note ON orders (lower(note)) WHERE amount > 10" \
    "CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''fired''; END'" \
    "INSERT INTO customers (name, mood) SELECT 'c' || i, CASE WHEN i % 3 = 0 THEN 'bad' END::mood FROM generate_series(1, 50) i" \
    "INSERT INTO orders (customer, amount, note) SELECT 1 + i % 50, i, 'n' || i FROM generate_series(1, 2000) i" \
    "CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION loud()" \
    "CREATE SCHEMA \"Lager 'x'\"" "CREATE TABLE \"Lager 'x'\".\"Größe.\"\"y\" (id serial PRIMARY KEY, m mood)" \
    "INSERT INTO \"Lager 'x'\".\"Größe.\"\"y\" (m) VALUES ('good'), ('bad')" \
    "CREATE TABLE events (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)" \
    "CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2025-01-01') PARTITION BY LIST (id)" \
    "CREATE TABLE events_old_1 PARTITION OF events_old DEFAULT" "CREATE TABLE events_new PARTITION OF events DEFAULT" \
    "CREATE TABLE \"Lager 'x'\".orders (other int)" "CREATE VIEW seen AS SELECT 1" \
    "CREATE FUNCTION plus(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT \$1 + 1'" \
    "CREATE TABLE computed (id int, p int GENERATED ALWAYS AS (plus(id)) STORED, b bytea, t text)" "CREATE INDEX computed_plus ON computed (plus(id), p)" \
    "INSERT INTO computed (id, b, t) SELECT i, decode(repeat(md5(i::text), 100000), 'hex'), repeat(md5(i::text), 200000) FROM generate_series(1, 3) i" \
    "CREATE FUNCTION whole_part(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT trunc(\$1)'" \
    "CREATE TABLE master (id int PRIMARY KEY)" "CREATE TABLE detail (m int REFERENCES master, n numeric)" "CREATE INDEX detail_part ON detail (whole_part(n))" \
    "INSERT INTO master VALUES (1), (2)" "INSERT INTO detail VALUES (1, 1.5), (2, 2.5)" "SET session_replication_role = replica" "DELETE FROM master WHERE id = 2" "RESET session_replication_role" \
    "CREATE FUNCTION known(int) RETURNS bool LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM master WHERE id = \$1)'" \
    "CREATE FUNCTION leans(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN plus(\$1); END'" \
    "CREATE TABLE leaning (m int CHECK (known(m)))" "CREATE INDEX leaning_i ON leaning (leans(m))" "INSERT INTO leaning VALUES (1)" \
    "CREATE TABLE base (id int)" "CREATE TABLE child (more int) INHERITS (base)" "INSERT INTO child VALUES (1, 2)" \
    "INSERT INTO events SELECT i, date '2024-12-01' + i FROM generate_series(1, 60) i" \
    "CREATE TABLE moods (m mood) PARTITION BY HASH (m)" "CREATE TABLE moods_0 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 0)" \
    "CREATE TABLE moods_1 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 1)" "INSERT INTO moods SELECT mood FROM customers"
rows() { sql bank "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM $1 t"; }
orders=$(rows orders)
belay 0 snapshot --json
id=$(json id)
tail=${id##*-}
long=ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ
schema_before=$(schema_hash bank)
sql bank "DELETE FROM orders WHERE id % 2 = 0" "SELECT nextval('orders_id_seq')" >/dev/null

begin "a table comes back beside the living one, with its rows, sequence, indexes and constraints"
belay 2 restore "$id" --table orders
err_has 'several tables are called "orders"'
belay 0 restore "$id" --table public.orders --json
json left_out | grep -q 'TRIGGER public.orders t' || fail "the trigger is not named"
json_is outcome succeeded
json_is snapshot "$id"
json_is tables.length 1
json_is tables.0.into "restored_$tail.orders"
json_is tables.0.rows 2000
equals "rows" "$(rows "restored_$tail.orders")" "$orders"
sql_is bank "SELECT count(*) FROM orders" 1000
sql_is bank "SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'restored_$tail'" "orders_note orders_pkey"
sql_is bank "SELECT string_agg(conname || ' ' || contype::text, ', ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'restored_$tail.orders'::regclass AND contype <> 'n'" \
    "orders_note_check c, orders_pkey p"
sql_is bank "SELECT pg_get_serial_sequence('restored_$tail.orders', 'id')" "restored_$tail.orders_id_seq"
sql_is bank "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'restored_$tail.orders'::regclass" 0
sql_is bank "SELECT obj_description('restored_$tail.orders'::regclass)" "what was ordered"
sql bank "INSERT INTO restored_$tail.orders (customer, amount) VALUES (1, 1)"
sql_is bank "SELECT max(id) FROM restored_$tail.orders" 2001
sql_is bank "SELECT last_value FROM orders_id_seq" 2001

begin "a later snapshot has both: the name alone is the living one's"
sql bank "CREATE TABLE \"esc$(printf '\033')[2J\" (id int)" "CREATE TABLE \"two
lines\" (id int)"
belay 0 restore "$id" --table customers
belay 0 snapshot --json --no-lint
later=$(json id)
belay 0 snapshots show "$later"
out_has "restored_$tail.customers"
out_has "\"Lager 'x'\".\"Größe.\"\"y\""
out_has 'public."esc\x1b[2J"'
out_has 'public."two\nlines"'
! grep -q "$(printf '\033')" "$OUT" || fail "a name's escape sequence reaches the terminal"
belay 0 restore "$later" --table customers --into-schema later --json
json_is tables.0.from public.customers
belay 0 restore "$later" --table "restored_$tail.customers" --into-schema later_copy
belay 0 restore "$later" --table "\"Lager 'x'\".\"Größe.\"\"y\"" --into-schema later_odd
sql bank "DROP SCHEMA later, later_copy, later_odd CASCADE" "DROP TABLE restored_$tail.customers, \"esc$(printf '\033')[2J\", \"two
lines\""

begin "never over an existing one"
belay 3 restore "$id" --table public.orders
err_has "restored_$tail.orders"
err_has "is there already"
belay 3 restore "$id" --table public.orders --into-schema public
belay 3 restore "$id" --table public.orders --into-table customers
sql bank "DROP SCHEMA restored_$tail CASCADE"
equals "schema" "$(schema_hash bank)" "$schema_before"

begin "under another name"
belay 0 restore "$id" --table public.orders --into-table orders_then
equals "rows" "$(rows orders_then)" "$orders"
sql_is bank "SELECT string_agg(regexp_replace(indexname, '_[0-9a-f]{6}\$', '_x'), ' ' ORDER BY indexname) FROM pg_indexes WHERE tablename = 'orders_then'" "orders_note_x orders_pkey_x"
sql_is bank "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^(belay_|restored_)'" 0
belay 0 restore "$id" --table public.orders --into-table "$long"
equals "rows" "$(rows "\"$long\"")" "$orders"
err_has "is now public.\"$long\": " # to be typed as it is said
sql_is bank "SELECT count(*) FROM pg_statistic_ext WHERE stxrelid::regclass::text LIKE '%Ä%'" 1
sql bank "DROP TABLE orders_then, \"$long\""
sql bank "CREATE SCHEMA audit"
belay 0 restore "$id" --table public.orders --into-table audit.orders
equals "rows" "$(rows audit.orders)" "$orders"
sql bank "DROP SCHEMA audit CASCADE"
equals "schema" "$(schema_hash bank)" "$schema_before"

begin "several tables, with the keys between them; a table that is gone"
sql bank "DROP TABLE orders"
belay 0 restore "$id" --table public.orders --table customers --into-schema side
sql_is bank "SELECT confrelid::regclass FROM pg_constraint WHERE conrelid = 'side.orders'::regclass AND contype = 'f'" "side.customers"
sql bank "INSERT INTO side.customers (name) VALUES ('new')"
sql_is bank "SELECT max(id) FROM side.customers" 51
belay 0 restore "$id" --table public.orders --into-schema public
equals "rows" "$(rows orders)" "$orders"
sql_is bank "SELECT nextval('orders_id_seq')" 2001

begin "partitioned tables come with all their partitions; a schema as a whole; odd names"
belay 0 restore "$id" --table events --table moods --into-schema parts
equals "rows" "$(rows parts.events)" "$(rows events)"
equals "rows" "$(rows parts.moods)" "$(rows moods)"
sql_is bank "SELECT count(*) FROM pg_inherits WHERE inhrelid::regclass::text LIKE 'parts.%' AND inhparent::regclass::text LIKE 'parts.%'" 8
belay 0 restore "$id" --table events_new --into-schema leaf
equals "rows" "$(rows leaf.events_new)" "$(rows events_new)"
sql_is bank "SELECT count(*) FROM pg_inherits WHERE inhrelid = 'leaf.events_new'::regclass" 0
belay 0 restore "$id" --schema "Lager 'x'" --into-schema 'Lager "z"'
sql_is bank "SELECT string_agg(m::text, ' ' ORDER BY id) FROM \"Lager \"\"z\"\"\".\"Größe.\"\"y\"" "good bad"
belay 3 restore "$id" --table child
err_has "inherits from"
belay 0 restore "$id" --table base --into-schema family
sql_is bank "SELECT count(*) FROM family.base" 1
sql_is bank "SELECT more FROM family.child" 2
sql_is bank "SELECT count(*) FROM base" 1

begin "what the tables can do without is left out, and told, where the server refuses it"
sql bank "CREATE OR REPLACE FUNCTION plus(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT \$1 + 2'"
belay 0 restore "$id" --table computed --into-schema computed --json
json_is warnings '["generated columns of computed have other values than in the snapshot: what computes them has changed"]'
sql_is bank "SELECT count(*) FROM computed a JOIN computed.computed b USING (id, b, t)" 3
sql bank "DROP SCHEMA computed CASCADE" "DROP FUNCTION whole_part CASCADE" 2>/dev/null
belay 0 restore "$id" --table master --table detail --into-schema violated --json
json warnings | grep -q 'INDEX public.detail_part: function public.whole_part(numeric) does not exist' || fail "the index is not told"
json warnings | grep -q 'FK CONSTRAINT public.detail.*the key is there, NOT VALID' || fail "the key is not told"
json_is warnings.length 2
sql_is bank "SELECT convalidated FROM pg_constraint WHERE conrelid = 'violated.detail'::regclass AND contype = 'f'" f
sql_is bank "SELECT count(*) FROM violated.detail" 2

begin "functions that lean on the search_path find what they did"
belay 0 restore "$id" --table leaning --into-schema lean --json
sql_is bank "SELECT count(*) FROM lean.leaning" 1
if [ "$(sql bank "SHOW server_version_num")" -lt 170000 ]; then
    json_is warnings "[]"
    sql_is bank "SELECT count(*) FROM pg_indexes WHERE schemaname = 'lean'" 1
else # CREATE INDEX takes no search_path but its own
    json warnings | grep -q 'INDEX public.leaning_i: function plus(integer) does not exist' || fail "the index is not told"
fi

begin "what is not there, or not clear"
belay 1 restore "$id" --table nothing
err_has 'the snapshot has no table "nothing"'
belay 3 restore "$id" --table seen
err_has '"seen" is a view in the snapshot'
belay 2 restore --table orders
belay 2 restore "$id" --into-schema x
belay 2 restore "$id" --table public.orders --table events --into-table x
belay 2 restore "$id" --table events --into-table x
belay 2 restore "$id" --table public.orders --into-table "${long}ä"
err_has "bytes long, and a name has 1 to 63"
belay 2 restore "$id" --table public.orders --into-table audit.
belay 2 restore "$id" --table public.orders --into-schema "${long}ä"
sql bank "DROP TYPE mood CASCADE"
before=$(schema_hash bank)
belay 1 restore "$id" --table customers --into-schema again
err_has 'type "public.mood" does not exist'
err_has "TABLE public.customers"
equals "schema" "$(schema_hash bank)" "$before"

begin "not into what is published, unless that is said"
sql bank "CREATE PUBLICATION everything FOR ALL TABLES"
belay 3 restore "$id" --table public.orders --into-schema published
err_has "the publication everything"
belay 0 restore "$id" --table public.orders --into-schema published --ignore-followers
sql bank "DROP PUBLICATION everything"

begin "while a run holds the lock"
mkfifo "$WORK/go"
"$BELAY_TESTS/gate_driver" "host=$PGHOST user=postgres" bank 20251109T120000Z-ffffff wait <"$WORK/go" >"$WORK/holder" 2>&1 &
exec 9>"$WORK/go"
locked() { [ "$(sql postgres "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")" -gt 0 ]; }
wait_until locked
belay 6 restore "$id" --table public.orders --into-schema late
echo >&9

begin "in production only when somebody says yes"
sed -i 's/^environment = .*/environment = production/' belay.ini
belay 3 restore "$id" --table public.orders --into-schema agreed
err_has "nobody agreed to add tables to bank"
belay 0 restore "$id" --table public.orders --into-schema agreed --yes
sed -i 's/^environment = .*/environment = development/' belay.ini

begin "killed while it loads, it leaves nothing"
before=$(schema_hash bank)
belay 0 snapshot --json
big=$(json id)
"$BELAY" restore "$big" --table public.computed --into-schema killed --rate 1MB >"$OUT" 2>"$ERR" </dev/null &
pid=$!
loads() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bank' AND query LIKE 'COPY%FROM STDIN%'")" -gt 0 ]; }
wait_until loads
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
alone() { [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bank'")" = 0 ]; }
wait_until alone
equals "schema" "$(schema_hash bank)" "$before"
belay 0 restore "$big" --table public.computed --into-schema killed

begin "the answer to COMMIT is lost: what the database has tells"
mkdir "$WORK/proxy"
for cut in after before; do
    python3 "$BELAY_SOURCE/tests/support/cut_commit.py" "$WORK/proxy/.s.PGSQL.5432" "$PGHOST/.s.PGSQL.5432" COMMIT "$cut" &
    proxy=$!
    wait_until test -S "$WORK/proxy/.s.PGSQL.5432"
    sed -i "s|^host = .*|host = $WORK/proxy|" belay.ini
    case $cut in after) expected=0 outcome=succeeded tables=1 ;; before) expected=1 outcome=untouched tables=0 ;; esac
    belay "$expected" restore "$big" --table public.events_new --into-schema "lost_$cut" --json
    json_is outcome "$outcome"
    json_is tables.length "$tables"
    kill "$proxy"
    rm -f "$WORK/proxy/.s.PGSQL.5432"
    sql_is bank "SELECT count(*) FROM pg_namespace WHERE nspname = 'lost_$cut'" "$tables"
done
