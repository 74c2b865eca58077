#!/bin/bash
# Verify: `belay verify` of a target, and the stage behind the migrations: revisions, what the run left invalid, verify
# sections, the user's verify_sql files, read-only; the JSON of CONTRACT.md.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project

# verified STATUS VERDICT: `belay verify --json` has CONTRACT.md's shape and that verdict
verified() {
    belay "$1" verify --json
    python3 - "$OUT" <<'PYTHON' || fail "the answer is not as CONTRACT.md says"
import json, sys
answer = json.load(open(sys.argv[1]))
assert set(answer) >= {"verdict", "checks"}, sorted(answer)
assert answer["verdict"] in ("ok", "warn", "refuse")
assert [c["name"] for c in answer["checks"]][0] == "revision"
for check in answer["checks"]:
    assert sorted(check) == ["hint", "message", "name", "verdict"], check
    assert check["verdict"] in ("ok", "warn", "refuse")
PYTHON
    json_is verdict "$2"
}
# finding VERDICT NAME TEXT
finding() {
    python3 - "$OUT" "$@" <<'PYTHON' || fail "no finding: $*"
import json, sys
checks = json.load(open(sys.argv[1]))["checks"]
sys.exit(not any((c["verdict"], c["name"]) == tuple(sys.argv[2:4]) and sys.argv[4] in c["message"] for c in checks))
PYTHON
}

begin "a target at head, with nothing wrong: exit 0"
fresh
verified 0 ok
finding ok revision fine
finding ok verify_sql fine
belay 0 verify
out_has "ok      revision"
same_as_before

begin "a pending revision: exit 7, and where the database is"
pending_good
verified 7 refuse
finding refuse revision "the database is at aaaa00000001, not at bbbb00000002"
belay 7 verify -t dev

begin "the verify section of the revision at which the database is"
belay 0 deploy
verified 0 ok
sql bank "UPDATE accounts SET note = NULL WHERE id = 3"
verified 7 refuse
finding refuse verify_sections "bbbb00000002"
sql bank "UPDATE accounts SET note = 'n3' WHERE id = 3"

begin "what is invalid without a run to blame is a warning"
sql bank "CREATE TABLE same (x int)" "INSERT INTO same VALUES (1), (1)"
psql -X -q -d bank -c "CREATE UNIQUE INDEX CONCURRENTLY same_x ON same (x)" 2>/dev/null && fail "no invalid index"
sql bank "ALTER TABLE same ADD CONSTRAINT small CHECK (x < 10) NOT VALID"
verified 0 warn
finding warn indexes "index public.same_x of table public.same is invalid"
finding warn constraints "constraint public.same.small of table public.same is not validated"

begin "an index and a constraint that the run leaves behind fail the deploy: restored"
fresh
add_migration bbbb00000002 aaaa00000001 "Leave a constraint" >"$WORK/file" <<'SQL'
ALTER TABLE accounts ADD CONSTRAINT rich CHECK (balance > 0) NOT VALID;
SQL
run_json 4 deploy --json
json_is outcome restored
json_is error.code verify
json error.message | grep -F "constraint public.accounts.rich of table public.accounts is not validated" >/dev/null || fail "not named"
json error.hint | grep -F "VALIDATE CONSTRAINT" >/dev/null || fail "no remedy"
same_as_before
tidy
fresh
add_migration bbbb00000002 aaaa00000001 "Leave an index" "Transaction: no" >"$WORK/file" <<'SQL'
CREATE INDEX CONCURRENTLY moves_amount ON moves (amount);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'moves_amount'::regclass;
SQL
run_json 4 deploy --json
json_is outcome restored
json error.message | grep -F "index public.moves_amount of table public.moves is invalid" >/dev/null || fail "not named"
same_as_before
tidy

begin "those that were there before are not the run's"
fresh
pending_good
sql bank "CREATE TABLE same (x int)" "INSERT INTO same VALUES (1), (1)"
psql -X -q -d bank -c "CREATE UNIQUE INDEX CONCURRENTLY same_x ON same (x)" 2>/dev/null && fail "no invalid index"
sql bank "ALTER TABLE same ADD CONSTRAINT small CHECK (x < 10) NOT VALID"
run_json 0 deploy --json
json_is outcome succeeded
tidy

begin "a migration that moves the version row elsewhere"
fresh
add_migration bbbb00000002 aaaa00000001 "Add notes" >"$WORK/file" <<'SQL'
ALTER TABLE accounts ADD COLUMN note text;
CREATE FUNCTION elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.version_num := 'aaaa00000001'; RETURN NEW; END $$;
CREATE TRIGGER elsewhere BEFORE UPDATE OR INSERT ON alembic_version FOR EACH ROW EXECUTE FUNCTION elsewhere();
SQL
status=0
"$BELAY" deploy --json >"$OUT" 2>"$ERR" </dev/null || status=$?
case $(json outcome) in
restored | untouched) ;;
*) fail "outcome $(json outcome), status $status" ;;
esac
same_as_before
tidy

begin "verify_sql: several files, paths from the project's root, all of their statements"
fresh
mkdir -p checks
echo "SELECT count(*) > 0 FROM accounts; SELECT true FROM moves;" >checks/first.sql
echo "SELECT sum(balance) > 0 FROM accounts" >"$WORK/second.sql"
keys "gate = rename
verify_sql = checks/first.sql, $WORK/second.sql"
verified 0 ok
pending_good
run_json 0 deploy --json
(cd checks && belay 0 verify -c ../belay.ini)

# answers_no SQL TEXT: that verify_sql file fails `verify` and the deploy, which is restored
answers_no() {
    echo "$1" >checks/first.sql
    fresh
    verified 7 refuse
    finding refuse verify_sql "$2"
    finding refuse verify_sql "first.sql"
    sql_is bank "SELECT count(*) FROM accounts" 200
    pending_good
    run_json 4 deploy --json
    json_is outcome restored
    json_is error.code verify
    json error.file | grep -F "checks/first.sql" >/dev/null || fail "the file is not named"
    same_as_before
    tidy
}
begin "verify_sql that is false"
answers_no $'SELECT true;\n\nSELECT count(*) = 7 FROM accounts;' "first.sql"
json_is error.line 3
begin "verify_sql that is NULL"
answers_no "SELECT max(id) > 1 FROM accounts WHERE id < 0;" "first.sql"
begin "verify_sql with an error"
answers_no "SELECT nothing FROM nowhere;" "nowhere"
json_is error.sqlstate 42P01
begin "verify_sql that writes"
answers_no "DELETE FROM accounts;" "read-only"
begin "verify_sql that is not there"
rm checks/first.sql
fresh
status=0
"$BELAY" verify >"$OUT" 2>"$ERR" </dev/null || status=$?
case $status in 2 | 7) ;; *) fail "status $status" ;; esac
cat "$OUT" "$ERR" | grep -F first.sql >/dev/null || fail "the file is not named"

begin "verify_sql can leave the read-only transaction by no statement of its own"
for escape in "COMMIT; DELETE FROM accounts; SELECT true;" "ROLLBACK; DELETE FROM accounts;" \
    "SET TRANSACTION READ WRITE; DELETE FROM accounts;" "SET transaction_read_only = off; DELETE FROM accounts;"; do
    echo "$escape" >checks/first.sql
    verified 7 refuse
    sql_is bank "SELECT count(*) FROM accounts" 200
done

begin "a database that cannot be asked is no answer: exit 1"
sed "s|^host = .*|host = $WORK/nowhere|" belay.ini >other.ini
belay 1 verify -c other.ini
out_is ""
belay 1 verify -c other.ini --json
json error.message | grep -F "$WORK/nowhere" >/dev/null || fail "not named"
