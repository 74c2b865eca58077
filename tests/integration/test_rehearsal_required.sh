#!/bin/bash
# require_rehearsal = yes: a deploy wants a rehearsal of exactly what it is about to do; without the key it only says so.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project
REQUIRED=$'gate = rename\nrequire_rehearsal = yes'

records() {
    find backups/dev/rehearsals -type f 2>/dev/null | wc -l
}

# finding VERDICT TEXT: the check `rehearsal` of a pre-flight whose answer is in $OUT
finding() {
    python3 - "$OUT" "$1" "$2" <<'PYTHON' || fail "pre-flight: rehearsal is not $1 with \"$2\""
import json, sys
one = [c for c in json.load(open(sys.argv[1]))["checks"] if c["name"] == "rehearsal"]
assert len(one) == 1 and one[0]["verdict"] == sys.argv[2] and sys.argv[3] in one[0]["message"] + one[0]["hint"], one
PYTHON
}

third() {
    add_migration cccc00000003 bbbb00000002 "Add cards" >"$WORK/third" <<'SQL'
CREATE TABLE cards (id integer PRIMARY KEY);
-- belay: downgrade
DROP TABLE cards;
SQL
}

begin "no rehearsal: refused with exit 3, nothing touched"
fresh
pending_good
keys "$REQUIRED"
run_json 3 deploy --json
json_is outcome refused
err_has "these revisions were not rehearsed on this target"
err_has "type: belay rehearse dev"
same_as_before
tidy

begin "a rehearsal that failed leaves no record"
mv "$(cat "$WORK/file")" "$WORK/good.sql"
pending_transaction
belay 1 rehearse
equals "records" "$(records)" 0
run_json 3 deploy --json
rm "$(cat "$WORK/file")"
pending_good

begin "rehearsed: the record tells what was, and the deploy goes through"
belay 0 rehearse --json
record=backups/$(json record)
json_is to '["bbbb00000002"]'
[ -f "$record" ] || fail "no record at $record"
cp "$record" "$OUT"
snapshot=$(json snapshot)
json_is from '["aaaa00000001"]'
json_is steps.0.revision bbbb00000002
json steps.0.upgrade_sha256 | grep -xE '[0-9a-f]{64}' >/dev/null || fail "no hash"
json_is target dev
[ "$(json seconds)" != 0.0 ] || fail "no duration"
belay 0 preflight --json
finding ok "rehearsed less than a minute ago on snapshot $snapshot"
run_json 0 deploy --json
json_is outcome succeeded
tidy

begin "an upgrade section edited after the rehearsal is refused by name; rehearsing again mends it"
fresh
pending_good
belay 0 rehearse
file=$(cat "$WORK/file")
sed -i 's/^ALTER TABLE accounts ADD COLUMN note text;/ALTER TABLE accounts ADD COLUMN note varchar(20);/' "$file"
run_json 3 deploy --json
err_has "the upgrade section of revision bbbb00000002 was edited after the rehearsal of 20"
belay 0 rehearse
belay 0 preflight --json
finding ok "rehearsed less than a minute ago"

begin "an edited comment or downgrade is no other upgrade"
sed -i 's/^-- Add notes/-- Add notes to accounts/; s/DROP COLUMN note;/DROP COLUMN IF EXISTS note;/' "$file"
belay 0 preflight --json
finding ok "rehearsed less than a minute ago"

begin "a schema that changed since is refused"
sql bank "CREATE INDEX by_owner ON accounts (owner)"
run_json 3 deploy --json
err_has "the schema is not the one of the rehearsal"
sql bank "DROP INDEX by_owner"
belay 0 preflight --json
finding ok "rehearsed less than a minute ago"

begin "a rehearsal of less, or of more, does not count; --to rehearses the part"
third
# Both records of the section before are of one second: the one of what the file says now counts.
for record in backups/dev/rehearsals/*.json; do
    sed -i 's/"rehearsed_at": "[^"]*"/"rehearsed_at": "2026-01-02T03:04:05Z"/' "$record"
done
run_json 3 deploy --json
err_has "ended at bbbb00000002: revision cccc00000003 was not rehearsed"
rm -r backups/dev/rehearsals
belay 0 rehearse
run_json 3 deploy --to bbbb00000002 --json
err_has "went on to cccc00000003: it passed where this deploy stops"
err_has "belay rehearse dev --to bbbb00000002"
belay 0 rehearse --to bbbb00000002
equals "records" "$(records)" 2
run_json 0 deploy --to bbbb00000002 --json

begin "a rehearsal from other revisions does not count"
run_json 3 deploy --json
err_has "went from aaaa00000001 to"
err_has "belay rehearse dev --fresh"
belay 0 rehearse --fresh
run_json 0 deploy --json
tidy

begin "a rehearsal in a private server counts too; one of another target does not"
fresh
pending_good
belay 0 rehearse --cluster
printf '[target.other]\nenvironment = staging\nhost = %s\nuser = postgres\ndbname = bank\nstore = local\nrequire_rehearsal = yes\n' \
    "$PGHOST" >>belay.ini
belay 3 preflight -t other
out_has "type: belay rehearse other"
belay 0 preflight --json
finding ok "rehearsed less than a minute ago"

begin "a record that was tampered with does not pass"
record=$(find backups/dev/rehearsals -name '*.json')
sed -i 's/"revision": "bbbb00000002"/"revision": "dddd00000002"/' "$record"
belay 3 preflight --json
finding refuse "does not hold what its name says"
echo '{' >"$record"
belay 3 preflight --json
finding refuse "is not JSON"

begin "not required: staging goes on and says so, production warns"
fresh
pending_good
keys "gate = rename"
belay 0 preflight --json
finding ok "these revisions were not rehearsed"
keys "gate = rename" production
belay 0 preflight --json
finding warn "these revisions were not rehearsed"
belay 0 rehearse
belay 0 preflight --json
finding ok "rehearsed less than a minute ago"
