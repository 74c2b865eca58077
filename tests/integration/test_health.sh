#!/bin/bash
# Health, behind the opened gate: health_url and health_command with retries, and what on_unhealthy makes of a failure.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project

# serve STATUS...: an application that answers so; $port
serve() {
    rm -f "$WORK/port" "$WORK/port.log"
    python3 "$BELAY_SOURCE/tests/support/health_server.py" "$WORK/port" "$@" >/dev/null 2>&1 &
    server=$!
    wait_until test -s "$WORK/port"
    port=$(cat "$WORK/port")
}
stop_serving() {
    kill "$server"
    wait "$server" 2>/dev/null || true
}
migrated() {
    sql_is bank "SELECT version_num FROM alembic_version" bbbb00000002
    sql_is bank "SELECT count(note) FROM accounts" 200
    tidy
}

begin "an application that is well at the third try: succeeded"
serve 503 404 200
fresh
pending_good
keys "gate = rename
health_url = http://user:hunter2@127.0.0.1:$port/health
health_retries = 5
health_timeout = 10s"
run_json 0 deploy --json
json_is outcome succeeded
err_has "healthy after"
err_lacks hunter2
equals "the tries" "$(paste -sd' ' "$WORK/port.log")" "503 /health 404 /health 200 /health"
json stages | grep -F '"health"' >/dev/null || fail "no stage health"
migrated
stop_serving

begin "a redirect is no 2xx, the retries are over: stopped, exit 5, migrated and open"
serve 302
fresh
pending_good
keys "gate = rename
health_url = http://127.0.0.1:$port/health
health_retries = 2
health_timeout = 3s"
run_json 5 deploy --json
json_is outcome stopped
json_is error.code health
json error.message | grep -F "unhealthy after 3 tries" >/dev/null || fail "the tries are not counted"
json error.message | grep -F "answers 302, not 2xx" >/dev/null || fail "the answer is not named"
json error.hint | grep -F "on_unhealthy" >/dev/null || json error.hint | grep -F "belay restore" >/dev/null || fail "no hint"
equals "the tries" "$(wc -l <"$WORK/port.log")" 3
migrated

begin "on_unhealthy = restore, the loss accepted: restored, exit 4"
fresh
pending_good
keys "gate = rename
health_url = http://127.0.0.1:$port/health
health_retries = 0
health_timeout = 2s
on_unhealthy = restore
accept_loss = yes"
run_json 4 deploy --json
json_is outcome restored
same_as_before
tidy
stop_serving

begin "nobody listens any more: unhealthy, with the reason"
fresh
pending_good
keys "gate = rename
health_url = http://127.0.0.1:$port/health
health_retries = 1
health_timeout = 2s"
run_json 5 deploy --json
json error.message | grep -iF "127.0.0.1" >/dev/null || fail "the address is not named"
migrated

begin "both must hold in one try: the command sees the database open, its words are shown"
serve 200
fresh
pending_good
keys "gate = rename
health_url = http://127.0.0.1:$port/health
health_command = echo the app says no; psql -X -At -h $PGHOST -U postgres -d bank -c 'SELECT count(note) FROM accounts' >seen; test -e well || { touch well; exit 3; }
health_retries = 3
health_timeout = 10s"
run_json 0 deploy --json
equals "what the command saw" "$(cat seen)" 200
err_has "ended with status 3"
equals "the url was asked once the command held" "$(wc -l <"$WORK/port.log")" 1
migrated
rm -f well
fresh
pending_good
sed -i 's/^health_retries = .*/health_retries = 0/' belay.ini
run_json 5 deploy --json
json error.detail | grep -F "the app says no" >/dev/null || fail "what the command said is not shown"
stop_serving
