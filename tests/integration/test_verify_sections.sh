#!/bin/bash
# A revision's `verify` section runs right behind its own step, read-only, before the step is committed.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project

# pending ID REVISES VERIFY [HEADER LINE]: adds column ID, and the section VERIFY
pending() {
    local id=$1 revises=$2 verify=$3
    shift 3
    printf 'ALTER TABLE accounts ADD COLUMN c%s int DEFAULT 1;\nDELETE FROM moves WHERE id = 1;\n-- belay: downgrade\nALTER TABLE accounts DROP COLUMN c%s;\n-- belay: verify\n%s\n' \
        "$id" "$id" "$verify" | add_migration "$id" "$revises" "Add column $id" "$@" >"$WORK/file"
}
line_of() {
    grep -nF -- "$1" "$(cat "$WORK/file")" | head -1 | cut -d: -f1
}

fresh
for answer in "SELECT NULL" "SELECT 1 / 0" "SELECT false"; do
    begin "$answer: the step is rolled back, with file, line and revision"
    pending b1 aaaa00000001 "SELECT true;
$answer;"
    belay 1 upgrade head --json
    json_is error.file "$WORK/project/$(cat "$WORK/file")"
    json_is error.line "$(line_of "$answer")"
    json error.message | grep "verify of b1" >/dev/null || fail "the revision is not named"
    same_as_before
done
begin "a false answer: the deploy ends untouched"
run_json 1 deploy --json
json_is outcome untouched
json_is error.line "$(line_of "SELECT false")"
same_as_before
tidy

begin "bare upgrade: nothing is committed; a revision below that verified stands"
fresh
pending b1 aaaa00000001 "SELECT true;"
pending b2 b1 "SELECT count(cb2) < 200 FROM accounts;"
belay 1 upgrade head
err_has "verify of b2"
err_has "these revisions stand: b1"
sql_is bank "SELECT version_num FROM alembic_version" b1
sql_is bank "SELECT count(*) FROM information_schema.columns WHERE column_name = 'cb2'" 0

begin "what a later revision outdates does not fail; the step sees its own work"
fresh
pending b1 aaaa00000001 "SELECT count(cb1) = 200 FROM accounts; SELECT NOT EXISTS (SELECT FROM moves WHERE id = 1);"
add_migration b2 b1 "Take it away" >"$WORK/file" <<'SQL'
ALTER TABLE accounts DROP COLUMN cb1;
-- belay: verify
SELECT count(*) = 0 FROM information_schema.columns WHERE column_name = 'cb1';
SQL
run_json 0 deploy --json
belay 0 verify
sql_is bank "SELECT version_num FROM alembic_version" b2
tidy

begin "the sections of the heads that were reached hold at the end, too"
fresh
pending b1 aaaa00000001 "SELECT EXISTS (SELECT FROM moves WHERE id = 2);"
belay 0 upgrade head
belay 0 verify
sql bank "DELETE FROM moves WHERE id = 2"
belay 7 verify
out_has "verify of b1"

begin "one transaction a run: each step is checked in it, and a false answer undoes all"
keys $'gate = rename\ntransaction_per_migration = no'
fresh
pending b1 aaaa00000001 "SELECT count(cb1) = 200 FROM accounts;"
add_migration b2 b1 "Outdate it" >"$WORK/file" <<<'ALTER TABLE accounts DROP COLUMN cb1;'
pending b3 b2 "SELECT false;"
run_json 1 deploy --json
json_is outcome untouched
json error.message | grep "verify of b3" >/dev/null || fail "the revision is not named"
same_as_before
tidy
rm "$(cat "$WORK/file")"
run_json 0 deploy --json
sql_is bank "SELECT version_num FROM alembic_version" b2
keys "gate = rename"

begin "a section may only read, and cannot leave its savepoint"
fresh
for write in "DELETE FROM moves" "SET TRANSACTION READ WRITE" "SELECT set_config('transaction_read_only', 'off', false)" \
    "DO \$\$ BEGIN DELETE FROM moves; END \$\$" "CREATE TABLE left_over ()"; do
    pending b1 aaaa00000001 "$write;"
    belay 1 upgrade head
    err_has "read-only transaction"
    same_as_before
done
for control in "COMMIT" "ROLLBACK TO belay_verify" "SAVEPOINT x" "RELEASE belay_verify" "BEGIN"; do
    pending b1 aaaa00000001 "SELECT true;
$control;"
    belay 2 upgrade head
    err_has "verify of b1 may only read"
    err_has "$(cat "$WORK/file"):$(line_of "$control;")"
    same_as_before
done

begin "verify_sql files are read-only from their first statement on"
fresh
pending b1 aaaa00000001 "SELECT true;"
belay 0 upgrade head
keys $'gate = rename\nverify_sql = all.sql'
printf 'SET TRANSACTION READ WRITE;\nDELETE FROM moves;\n' >all.sql
belay 7 verify
out_has "read-only transaction"
keys "gate = rename"

begin "what a section sets and calls leaves no trace in the step"
fresh
sql bank "CREATE SEQUENCE counter"
pending b1 aaaa00000001 "SET search_path = nowhere; SET ROLE teller; SELECT true;"
add_migration b2 b1 "Work on" >"$WORK/file" <<<'UPDATE accounts SET cb1 = 2;'
keys $'gate = rename\ntransaction_per_migration = no'
belay 0 upgrade head
sql_is bank "SELECT sum(cb1) FROM accounts" 400
keys "gate = rename"

begin "a section runs as in a session of its own: without the step's role and settings"
fresh
sql postgres "GRANT teller TO clerk"
add_migration b1 aaaa00000001 "Set much" >"$WORK/file" <<'SQL'
CREATE SCHEMA other;
SET search_path = other;
SET ROLE teller;
-- belay: verify
SELECT current_user = session_user AND current_schema() = 'public';
SQL
belay 0 upgrade head

begin "deferred constraints: a violation fails the step, a deferred trigger's work is seen and done once"
fresh
add_migration b1 aaaa00000001 "Violate later" >"$WORK/file" <<'SQL'
ALTER TABLE moves ALTER CONSTRAINT moves_account_fkey DEFERRABLE INITIALLY DEFERRED;
INSERT INTO moves (account, amount) VALUES (100000, 1);
-- belay: verify
SELECT true;
SQL
run_json 1 deploy --json
json_is outcome untouched
json_is error.code foreign_key_violation
json error.message | grep "upgrade b1: deferred constraints" >/dev/null || fail "not told as a deferred constraint"
same_as_before
for per_migration in yes no; do
    fresh
    keys "gate = rename
transaction_per_migration = $per_migration"
    add_migration b1 aaaa00000001 "Work later" >"$WORK/file" <<'SQL'
CREATE TABLE log (x int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON moves DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO moves (account, amount) VALUES (1, 1);
-- belay: verify
SELECT count(*) = 1 FROM log;
SQL
    add_migration b2 b1 "Still deferred" >"$WORK/file" <<<'SELECT 1;'
    belay 0 upgrade head
    sql_is bank "SELECT count(*) FROM log" 1
done
keys "gate = rename"

begin "Transaction: no: checked behind the last statement, before the revision is reached; the deploy restores"
fresh
pending b1 aaaa00000001 "SELECT false;" "Transaction: no"
run_json 4 deploy --json
json_is outcome restored
json_is error.line "$(line_of "SELECT false")"
same_as_before
tidy

begin "Transaction: no, bare: the revision is not reached; the same command again checks again, and does nothing twice"
fresh
pending b1 aaaa00000001 "SELECT count(*) = 0 FROM accounts WHERE id = 200;" "Transaction: no"
belay 1 upgrade head
err_has "part of the failed revision stands"
sql_is bank "SELECT version_num FROM alembic_version" aaaa00000001
sql bank "DELETE FROM moves WHERE account = 200" "DELETE FROM accounts WHERE id = 200"
belay 0 upgrade head
err_has "continues behind what an earlier attempt did"
sql_is bank "SELECT version_num FROM alembic_version" b1

begin "Transaction: no: read-only as well"
fresh
pending b1 aaaa00000001 "SET TRANSACTION READ WRITE; DELETE FROM moves;" "Transaction: no"
belay 1 upgrade head
err_has "read-only transaction"
sql_is bank "SELECT count(*) FROM moves" 499

begin "a downgrade runs no section; --sql and --plan know none"
fresh
pending b1 aaaa00000001 "SELECT EXISTS (SELECT FROM moves WHERE id = 2);"
belay 0 upgrade head --sql
out_lacks "id = 2"
belay 0 upgrade head
sql bank "DELETE FROM moves WHERE id = 2"
belay 0 downgrade -1
sql_is bank "SELECT version_num FROM alembic_version" aaaa00000001
