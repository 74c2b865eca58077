#!/bin/bash
# Pre-flight, files and policy: each finding is provoked on a real server, told with what to do, refuses a deploy where it
# must, and leaves no scratch database behind. Rights and the server's state have tests of their own.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/preflight_lib.sh"
start_cluster
preflight_project

begin "all is well: every check of the table is made, and nothing is changed"
finds ok server_version fine
json_is verdict ok
python3 - "$OUT" "$BELAY_SOURCE/docs/preflight.md" <<'PYTHON' || fail "not the checks that docs/preflight.md names"
import json, re, sys
made = [c["name"] for c in json.load(open(sys.argv[1]))["checks"]]
page = re.findall(r"^\| `(\w+)` \|", open(sys.argv[2]).read(), re.M)
page = {name for name in page if not name.startswith("snapshot_")}
sys.exit(set(made) != page - {"policy"})
PYTHON
belay 0 preflight dev
out_has "ok      rights"
err_has 'pre-flight: database "bank" on '"$PGHOST"
equals "nothing was changed" "$(sql bank "SELECT version_num FROM alembic_version")" a1

begin "an edited file is refused by name"
file=$(echo migrations/*_a1_*.sql)
cp "$file" "$WORK/kept.sql"
sed -i 's/name text NOT NULL/name text/' "$file"
finds refuse revisions "a1"
json_is error.code applied_edited
belay 3 deploy
err_has "never edit applied migrations"
cp "$WORK/kept.sql" "$file"

begin "an edited downgrade only warns"
sed -i 's/^DROP TABLE accounts/DROP TABLE IF EXISTS accounts/' "$file"
finds warn revisions "a1"
cp "$WORK/kept.sql" "$file"

begin "two heads"
other=$(add_migration b2 a1 "Another branch" <<<"SELECT 1;")
belay 3 preflight --json
equals "check plan" "$(verdict plan)" refuse
out_has "belay merge"
belay 0 preflight --to b2
rm "$other"

begin "a database ahead of the files"
sql bank "UPDATE alembic_version SET version_num = 'f0f0'"
belay 3 preflight --json
finding refuse revisions "f0f0" "older than the database"
finding refuse revisions "the last revision that the files have is a2"
belay 3 deploy
sql_is bank "SELECT version_num FROM alembic_version" f0f0
sql bank "UPDATE alembic_version SET version_num = 'a1'"

begin "a verify_sql file that is not there, or may not be run, is found before anything is migrated"
set_key verify_sql "checks/one.sql"
finds refuse verify_sql "checks/one.sql"
belay 3 deploy
sql_is bank "SELECT version_num FROM alembic_version" a1
mkdir -p checks
echo "SELECT true; COMMIT;" >checks/one.sql
finds refuse verify_sql "COMMIT"
echo "SELECT true;" >checks/one.sql
finds ok verify_sql fine
unset_key verify_sql

begin "a schema changed by hand"
sql bank "ALTER TABLE accounts ADD COLUMN byhand int"
finds warn revisions "schema"
sql bank "ALTER TABLE accounts DROP COLUMN byhand"

begin "files that git does not know"
git init -q . && git -c user.name=t -c user.email=t@example.com commit -q --allow-empty -m start
finds warn tracked "git does not track the pending file 20260101_0000_a2_add_a_column.sql"
git add migrations && git -c user.name=t -c user.email=t@example.com commit -q -m "Add migrations"
finds ok tracked fine
echo "-- more" >>"$(echo migrations/*_a2_*.sql)"
finds warn tracked "has changes that are not committed"
git checkout -q migrations

begin "a literal password in a file that git tracks"
set_key password hunter2
git add belay.ini && git -c user.name=t -c user.email=t@example.com commit -q -m "Add belay.ini"
belay 2 preflight
err_has "belay.ini:"
err_has "password"
err_lacks hunter2
belay 2 deploy
# shellcheck disable=SC2016
set_key password '${THE_PASSWORD}'
THE_PASSWORD=x belay 0 preflight
unset_key password
rm -rf .git

begin "a maintenance window, by the server's clock in the window's zone"
day() { LC_ALL=C date -u -d "$1" +%a; }
set_key window "$(day '+2 days') 01:00-02:00 UTC"
finds refuse window "outside of the maintenance window" "change \`window\`"
belay 3 deploy
sql_is bank "SELECT version_num FROM alembic_version" a1
set_key window "00:00-12:00 UTC, 12:00-00:00 UTC"
finds ok window fine
set_key window "$(day '-1 day')-$(day '+1 day') 00:00-24:00"
finds ok window fine
set_key window "$(day '+2 days')-$(day '+3 days') 00:00-24:00"
finds refuse window "outside of the maintenance window"
# From a minute ago in a zone far away: there and only there it is now.
there=$(sql bank "SELECT to_char(now() AT TIME ZONE 'Pacific/Kiritimati' - interval '1 minute', 'Dy HH24:MI')")
until=$(sql bank "SELECT to_char(now() AT TIME ZONE 'Pacific/Kiritimati' + interval '30 minutes', 'HH24:MI')")
set_key window "$there-$until Pacific/Kiritimati"
finds ok window fine
set_key window "$there-$until Pacific/Honolulu"
finds refuse window "Pacific/Honolulu"
set_key window "00:00-12:00 Nowhere/Land"
finds refuse window "Nowhere/Land"
set_key window "now and then"
belay 2 preflight
unset_key window

begin "production wants a yes, or the name typed"
sed -i 's/^environment = .*/environment = production/' belay.ini
set_key way_back "twin, verified"
belay 3 deploy
err_has "a production target wants --yes"
sql_is bank "SELECT version_num FROM alembic_version" a1
belay 0 preflight --json
equals "check policy" "$(verdict policy)" ok
status=0
python3 "$BELAY_SOURCE/tests/support/type.py" not_bank "$BELAY" deploy >"$OUT" 2>&1 || status=$?
equals "status" "$status" 3
sql_is bank "SELECT version_num FROM alembic_version" a1
status=0
python3 "$BELAY_SOURCE/tests/support/type.py" bank "$BELAY" deploy >"$OUT" 2>&1 || status=$?
equals "status" "$status" 0
sql_is bank "SELECT version_num FROM alembic_version" a2
belay 3 downgrade -1
belay 0 downgrade -1 --without-snapshot --yes

begin "production never applies by itself"
set_key auto_apply yes
status=0
"$BELAY" deploy --yes >"$OUT" 2>"$ERR" </dev/null || status=$?
case $status in 2 | 3) ;; *) fail "status $status" ;; esac
err_has "auto_apply"
sql_is bank "SELECT version_num FROM alembic_version" a1
unset_key auto_apply
belay 0 deploy --yes
belay 0 downgrade -1 --without-snapshot --yes
sed -i 's/^environment = .*/environment = development/' belay.ini

begin "the target is busy"
mkfifo "$WORK/in2"
"$BELAY_TESTS/gate_driver" "host=$PGHOST user=postgres dbname=bank" bank 20251104T123400Z-3f2a9c pid wait >"$WORK/first" <"$WORK/in2" &
exec 7>"$WORK/in2"
wait_until grep -q '^ok pid' "$WORK/first"
belay 6 preflight
exec 7>&-
wait || true
equals "databases" "$(databases)" bank
