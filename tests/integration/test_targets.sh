#!/bin/bash
# `targets` and `init`: no server is needed.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"

begin "init writes a project that belay reads, and overwrites nothing"
mkdir "$WORK/My-Bank"
cd "$WORK/My-Bank"
umask 022
printf 'build/\n.env' >.gitignore
belay 0 init
[ -d migrations ] && [ -f belay.ini ] && [ -f backups/README.md ] || fail "files are missing"
equals ".gitignore" "$(cat .gitignore)" $'build/\n.env\n/backups/*\n!/backups/README.md\n.env.*'
equals "modes" "$(stat -c %a .gitignore belay.ini migrations backups | paste -sd' ')" "644 644 755 700"
(umask 027 && "$BELAY" revision -m "First" >/dev/null && "$BELAY" revision -m "Second" --head head >/dev/null)
equals "the user's umask" "$(stat -c %a migrations/*.sql | paste -sd' ')" "640 640"
rm migrations/*.sql
belay 0 targets
out_has "my_bank"
belay 0 heads
before=$(cat belay.ini)
belay 3 init
err_has "belay.ini exists already"
equals "belay.ini" "$(cat belay.ini)" "$before"
mkdir "$WORK/half"
mkdir "$WORK/half/migrations"
belay 3 init --folder "$WORK/half"
[ ! -e "$WORK/half/belay.ini" ] || fail "init wrote into a half-made project"

begin "targets shows what holds and masks secrets"
cat >belay.ini <<'INI'
[belay]
default_target = dev
[target.dev]
environment = development
url = postgresql://me:hidden1@db.example.com:6432/bank
health_url = https://probe:hidden2@app.example.com/health
[target.live]
environment = production
host = ${LIVE_HOST}
dbname = bank
password = ${LIVE_PASSWORD}
store = vault
[store.vault]
url = sftp://backup:hidden4@vault.example.com/srv
INI
belay 0 targets
out_has "dev              development  bank                     db.example.com:6432"
out_has "live             cannot be resolved:"
LIVE_HOST=live.example.com LIVE_PASSWORD=hidden3 belay 0 targets
out_has "live             production   bank                     live.example.com"
LIVE_HOST=live.example.com LIVE_PASSWORD=hidden3 belay 0 targets live
out_has "password                   ********"
out_has "gate                       rename"
out_has "way_back                   twin, proven"
LIVE_HOST=live.example.com LIVE_PASSWORD=hidden3 belay 0 targets --json -t live
json_is targets.0.keys.password "********"
json_is targets.0.keys.store_url "sftp://backup:********@vault.example.com/srv"
json_is default_target dev
belay 0 targets dev
out_has "https://probe:********@app.example.com/health"
for words in "targets" "targets dev" "targets live" "targets --json"; do
    # shellcheck disable=SC2086
    LIVE_HOST=h LIVE_PASSWORD=hidden3 belay 0 $words
    ! grep -q hidden "$OUT" "$ERR" || fail "a secret was printed by $words"
done

begin "a target twice, an unknown one, one that cannot be resolved"
belay 2 targets -t dev live
belay 2 targets nowhere
err_has "nowhere"
belay 2 targets live
err_has "LIVE_HOST"

begin "what libpq does not understand is the target's, and the hint has its name"
sed 's|^url = .*|url = postgresql://h/bank?sslmode=perhaps|' belay.ini >odd.ini
belay 2 current -c odd.ini
err_has "perhaps"
err_has "\`belay targets dev\` shows what holds"

begin "a target's own service is the one, whatever PGSERVICE names"
printf '[own]\nhost=%s\ndbname=bank\n[other]\nhostaddr=127.0.0.9\n' "$WORK/nowhere" >"$HOME/.pg_service.conf"
printf '[target.dev]\nenvironment = development\nservice = own\nuser = u\n' >own.ini
for other in other missing; do
    PGSERVICE=$other belay 1 current -c own.ini
    err_has "$WORK/nowhere/.s.PGSQL.5432"
done

begin "a server that the target names by its address has no name of another one"
printf '[target.dev]\nenvironment = development\nhostaddr = 127.0.0.1\nport = 1\nuser = u\ndbname = bank\n' >own.ini
PGHOST=one,other belay 1 current -c own.ini
err_has "Connection refused"
