#!/bin/bash
# deploy and its outcomes: succeeded, nothing to do, untouched, restored by twin and by snapshot; the gate; commands.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project

begin "succeeded: exit 0, stamp, ledger, snapshot, nothing left"
fresh
pending_good
run_json 0 deploy --json
json_is outcome succeeded
json_is from '["aaaa00000001"]'
json_is to '["bbbb00000002"]'
json_is error null
json_is twin null
json_is kept null
sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
sql_is bank "SELECT count(*) FROM belay.ledger WHERE run_id = '$(json run)' AND revision = 'bbbb00000002'" 1
sql_is bank "SELECT count(note) FROM accounts" 200
[ -f "backups/dev/$(json snapshot).tar" ] || fail "no snapshot in the store"
equals "database-level state" "$(level_of bank)" "$level_before"
equals "databases" "$(databases | paste -sd' ')" "bank bank_before"
tidy
belay 0 verify "$(json snapshot)"

begin "nothing to do: exit 0, no journal, no snapshot"
rm -rf backups
run_json 0 deploy --json
json_is outcome succeeded
json_is stages '[]'
equals "files in the store" "$(find backups -type f 2>/dev/null || true)" ""
belay 0 deploy dev
err_has "dev is at"
err_has "nothing to do"
err_lacks warning
sql bank "CREATE TABLE by_hand (id int)"
belay 0 deploy dev
err_has "warning: the schema is not the one that belay recorded"
sql bank "DROP TABLE by_hand"

begin "untouched: exit 1, no swap"
fresh
pending_transaction
oid=$(sql postgres "SELECT oid FROM pg_database WHERE datname = 'bank'")
run_json 1 deploy --json
json_is outcome untouched
json_is kept null
json_is twin null
json_is error.sqlstate 23502
json_is error.line 9
json error.file | grep bbbb00000002 >/dev/null || fail "the error names no file"
json_is error.statement "ALTER TABLE accounts ADD COLUMN must text NOT NULL"
sql_is postgres "SELECT oid FROM pg_database WHERE datname = 'bank'" "$oid"
same_as_before
tidy
equals "databases" "$(databases | paste -sd' ')" "bank bank_before"

begin "rows committed without any schema change are noticed: restored, exit 4"
fresh
pending_rows
run_json 4 deploy --json
json_is outcome restored
json_is error.sqlstate 22012
same_as_before
tidy
kept=$(json kept)
sql_is postgres "SELECT datallowconn FROM pg_database WHERE datname = '$kept'" f

begin "half committed: restored from the twin"
fresh
pending_half
keys $'gate = rename\nway_back = twin\nsnapshot = no'
run_json 4 deploy --json
json_is outcome restored
json_is snapshot null
json_is twin null
same_as_before
tidy
sql_is bank "SELECT reason FROM belay.ledger ORDER BY id DESC LIMIT 1" restore

begin "half committed: restored from the snapshot"
fresh
pending_half
keys $'gate = rename\nway_back = verified'
run_json 4 deploy --json
json_is outcome restored
json_is twin null
[ -f "backups/dev/$(json snapshot).tar" ] || fail "no snapshot in the store"
same_as_before
tidy
kept=$(json kept)
sql postgres "ALTER DATABASE \"$kept\" ALLOW_CONNECTIONS true"
sql_is "$kept" "SELECT count(*) FROM moves" 250

begin "half committed: restored from a proven snapshot"
fresh
pending_half
keys $'gate = rename\nway_back = proven'
run_json 4 deploy --json
json_is outcome restored
same_as_before
tidy

begin "a verify section that is false: untouched"
fresh
keys "gate = rename"
pending_good
sed -i 's/count(\*) = 200/count(*) = 201/' migrations/*bbbb00000002*
run_json 1 deploy --json
json_is outcome untouched
json_is error.code verify
same_as_before
tidy

begin "an index left invalid: restored"
fresh
add_migration bbbb00000002 aaaa00000001 "Leave an invalid index" "Transaction: no" >"$WORK/file" <<'SQL'
CREATE INDEX moves_amount ON moves (amount);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'moves_amount'::regclass;
SQL
run_json 4 deploy --json
json_is error.code verify
same_as_before
tidy

begin "commands: stopped before the gate, started after it, also on failure"
for kind in good transaction half; do
    fresh
    "pending_$kind"
    rm -f "$WORK/story"
    look="psql -X -At -d postgres -c \"SELECT count(*) FROM pg_database WHERE datname = 'bank'\""
    keys "gate = rename
stop_command = echo stop \$($look) >>$WORK/story
start_command = echo start \$($look) >>$WORK/story"
    case $kind in
    good) belay 0 deploy ;;
    transaction) belay 1 deploy ;;
    half) belay 4 deploy ;;
    esac
    equals "the commands' order ($kind)" "$(paste -sd' ' "$WORK/story")" "stop 1 start 1"
    tidy
done

begin "a start_command without a stop_command runs as well, whatever became of the run"
for kind in good transaction; do
    fresh
    "pending_$kind"
    rm -f "$WORK/story"
    keys "gate = rename
start_command = echo start \$($look) >>$WORK/story"
    if [ "$kind" = good ]; then belay 0 deploy; else belay 1 deploy; fi
    equals "the command ($kind)" "$(cat "$WORK/story")" "start 1"
    tidy
done

begin "a stop_command that fails: untouched, and started again"
fresh
pending_good
rm -f "$WORK/story"
keys "gate = rename
stop_command = echo stop >>$WORK/story; exit 3
start_command = echo start >>$WORK/story"
run_json 1 deploy --json
json_is outcome untouched
json_is error.code process
equals "the commands" "$(paste -sd' ' "$WORK/story")" "stop start"
same_as_before
tidy

begin "who started it closed its output: nothing that it says goes into a connection or a file instead"
fresh
pending_half
keys "gate = rename
stop_command = for fd in 0 1 2; do readlink /proc/\$PPID/fd/\$fd; done >$WORK/held"
LAST="belay deploy, with closed descriptors"
status=0
"$BELAY" deploy <&- >&- 2>&- || status=$?
equals "status" $status 4
equals "what is in their place" "$(paste -sd' ' "$WORK/held")" "/dev/null /dev/null /dev/null"
same_as_before
tidy

begin "an application that reconnects in a loop does not keep the gate open"
fresh
keys "gate = rename"
pending_half
for _ in 1 2 3; do
    (while [ ! -e "$WORK/enough" ]; do
        psql -X -d "dbname=bank application_name=test" -c "SELECT pg_sleep(0.01)" -c "SELECT pg_sleep(1)" >/dev/null 2>&1 || true
    done) &
done
wait_until holds "count(*) > 0 FROM pg_stat_activity WHERE datname = 'bank'"
belay 4 deploy
touch "$WORK/enough"
wait
same_as_before
tidy

begin "runs lists them all, newest first"
belay 0 runs --json
json_is runs.0.outcome restored
json_is runs.0.verb deploy
