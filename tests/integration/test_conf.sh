#!/bin/bash
# The examples in conf/: YAML that parses, scripts that shellcheck likes, commands that belay has, units that systemd takes, and
# an entrypoint that brings a development database to head and refuses any other.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
conf=$BELAY_SOURCE/conf

begin "YAML parses, and its commands are belay's"
python3 - "$conf" "$BELAY" <<'PYTHON' || fail "conf/ci, conf/docker"
import re, subprocess, sys
try:
    import yaml
except ImportError:
    print("  PyYAML is not installed: not parsed")
    sys.exit(0)
conf, belay = sys.argv[1:]
workflow = yaml.safe_load(open(conf + "/ci/deploy-production.yml"))
compose = yaml.safe_load(open(conf + "/docker/docker-compose.yml"))
assert workflow["concurrency"]["cancel-in-progress"] is False
assert all(s["profiles"] == ["dev"] for s in compose["services"].values()), "production has no service here"
text = [s.get("run", "") for j in workflow["jobs"].values() for s in j["steps"]]
for script in text:
    subprocess.run(["bash", "-n", "-c", script], check=True)
text += open(conf + "/systemd/belay-snapshot@.service").read().splitlines()
verbs = {v for t in text for v in re.findall(r"(?m)(?:^\s*|ExecStart=/usr/local/bin/)belay ([a-z]+)", t)}
known = subprocess.run([belay, "help"], capture_output=True, text=True, check=True).stdout
missing = [v for v in verbs if not re.search(r"(?m)^  %s " % v, known)]
assert verbs and not missing, missing
PYTHON
for file in Dockerfile Dockerfile.dev docker-compose.yml docker-entrypoint.sh; do
    [ -s "$conf/docker/$file" ] || fail "$file is missing"
done
! grep -qw dev <(grep -E '^(ENTRYPOINT|CMD|RUN)' "$conf/docker/Dockerfile") || fail "the production image applies migrations"
if command -v shellcheck >/dev/null; then
    shellcheck "$conf/docker/docker-entrypoint.sh" || fail "shellcheck"
fi
if command -v systemd-analyze >/dev/null; then
    mkdir "$WORK/units"
    ln -s "$BELAY" "$WORK/program" # a unit's command cannot hold a path with a space unquoted
    for unit in "$conf"/systemd/*; do
        sed "s|/usr/local/bin/belay|$WORK/program|" "$unit" >"$WORK/units/$(basename "$unit")"
    done
    systemd-analyze verify "$WORK"/units/* >"$OUT" 2>&1 || fail "systemd-analyze: $(cat "$OUT")"
    equals "what systemd says" "$(grep -c 'belay-' "$OUT" || true)" 0
fi

begin "the entrypoint brings a development database to head, then becomes the command"
start_cluster
sql postgres "CREATE DATABASE bank"
mkdir -p "$WORK/app" "$WORK/bin"
ln -s "$BELAY" "$WORK/bin/belay"
cp -R "$BELAY_SOURCE/migrations" "$WORK/app/migrations"
cd "$WORK/app"
server="POSTGRES_HOST=$PGHOST POSTGRES_USER=postgres POSTGRES_DB=bank"
# shellcheck disable=SC2086 # several words on purpose
entry() { env -u PGHOST -u PGUSER PATH="$WORK/bin:$PATH" $server "$@" "$conf/docker/docker-entrypoint.sh" echo started >"$OUT" 2>"$ERR"; }
entry BELAY_ENVIRONMENT=development || fail "the entrypoint"
out_has started
equals "tables" "$(sql bank "SELECT count(*) > 7 FROM pg_tables WHERE schemaname = 'public'")" t
entry BELAY_ENVIRONMENT=development || fail "the second start"

begin "and refuses any other environment"
status=0
entry BELAY_ENVIRONMENT=production || status=$?
equals "status" "$status" 3
out_lacks started
status=0
entry || status=$?
equals "status" "$status" 3
