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

begin "the workflow's summary is of its own deploy, also where that never began"
if command -v jq >/dev/null && python3 -c 'import yaml' 2>/dev/null; then
    python3 - "$conf" "$WORK" <<'PYTHON'
import sys, yaml
steps = yaml.safe_load(open(sys.argv[1] + "/ci/deploy-production.yml"))["jobs"]["migrate"]["steps"]
for step in steps:
    if step.get("name") in ("Migrate", "Report"):
        open("%s/%s.sh" % (sys.argv[2], step["name"]), "w").write("set -e\n" + step["run"])
PYTHON
    sql postgres "CREATE DATABASE live"
    mkdir "$WORK/live" && cd "$WORK/live"
    cp -R "$BELAY_SOURCE/migrations" migrations
    printf '[target.production]\nenvironment = production\nhost = %s\ndbname = live\n' "$PGHOST" >belay.ini
    export GITHUB_OUTPUT=$WORK/output GITHUB_STEP_SUMMARY=$WORK/summary
    # job STATUS [LINE]: both steps as the runner takes them; the summary is theirs alone
    job() {
        local status=0
        rm -f "$GITHUB_STEP_SUMMARY"
        PATH="$WORK/bin:$PATH" bash "$WORK/Migrate.sh" >"$OUT" 2>"$ERR" || status=$?
        equals "status" "$status" "$1"
        PATH="$WORK/bin:$PATH" bash "$WORK/Report.sh" >>"$OUT" 2>>"$ERR" || fail "the report's step"
    }
    summary_has() { grep -qF -- "$1" "$GITHUB_STEP_SUMMARY" || fail "the summary lacks $1: $(cat "$GITHUB_STEP_SUMMARY")"; }
    job 0
    summary_has "## ✅ belay deploy production: succeeded"
    job 0
    summary_has "nothing to do"
    echo 'window = Sun 02:00-02:00' >>belay.ini
    job 2
    summary_has "window"
    sed -i 's/^window = .*/require_rehearsal = yes/' belay.ini
    head=$("$BELAY" heads | cut -d' ' -f1)
    add_migration aaaaaaaaaaaa "$head" "One more" <<<"SELECT 1;" >/dev/null
    job 3
    summary_has "belay deploy: refused"
    summary_has "rehears"
else
    echo "  without jq or PyYAML: not run"
fi
