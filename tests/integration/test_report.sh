#!/bin/bash
# `belay report` of a run that succeeded and of one that failed, as text, JSON and Markdown; `belay verify` of the target.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project
add_migration aaaa0001 "" "Add a" >/dev/null <<'SQL'
-- belay: upgrade
CREATE TABLE a (id int PRIMARY KEY);
-- belay: downgrade
DROP TABLE a;
-- belay: verify
SELECT to_regclass('a') IS NOT NULL;
SQL

begin "without runs there is nothing to report"
belay 1 report
err_has "has no runs"

begin "verify says no while revisions are pending"
belay 7 verify
out_has "upgrade heads --plan"
err_has "upgrade heads --plan"
belay 7 verify --json
json_is verdict refuse

begin "a run that succeeded"
belay 0 deploy --yes
belay 0 report
out_has "succeeded: Migrated and verified."
out_has aaaa0001
out_has journal.ndjson
belay 0 report last --json
json_is outcome succeeded
json_is target dev
json_is to '["aaaa0001"]'
run=$(json run)
belay 0 report "${run%-*}" --markdown
out_has "## ✅ belay deploy dev: succeeded"
out_has "| migrate | ok |"
belay 1 report nothing
err_has 'has no run "nothing"'
belay 2 report --markdown --json

begin "verify says yes at head, and no once the section's question fails"
belay 0 verify
out_has verify_sections
belay 0 verify --json
json_is verdict ok
sql bank "ALTER TABLE a RENAME TO b"
belay 7 verify
err_has verify
sql bank "ALTER TABLE b RENAME TO a"

begin "verify warns of an index that is invalid"
sql bank "CREATE INDEX a_ix ON a (id)" "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'a_ix'::regclass"
belay 0 verify
out_has a_ix
sql bank "DROP INDEX a_ix"

begin "a run that failed names file, line and statement; Markdown in the error stays text"
add_migration aaaa0002 aaaa0001 "Break" >/dev/null <<'SQL'
-- belay: upgrade
SELECT '| <b>*x*</b> |' FROM missing_table;
-- belay: downgrade
SELECT 1;
SQL
belay 1 deploy --yes
belay 0 report
out_has "untouched: "
out_has missing_table
out_has "_aaaa0002_break.sql:"
out_has "repair the file there"
belay 0 report --json
json_is outcome untouched
json_is error.sqlstate 42P01
belay 0 report --markdown
out_has "## ❌ belay deploy dev: untouched"
out_has "42P01"
out_has '```sql'
out_lacks "| untouched | <b>"

begin "what a server's message does to a terminal is shown, not done"
cat >migrations/*_aaaa0002_break.sql <<'SQL'
-- Break
--
-- Revision ID: aaaa0002
-- Revises: aaaa0001

-- belay: upgrade
DO $$ BEGIN RAISE EXCEPTION E'before \x1b]0;title\x07 behind'; END $$;
SQL
belay 1 deploy --yes
err_has 'before \x1b]0;title\x07 behind'
for form in "" --markdown; do
    # shellcheck disable=SC2086
    belay 0 report $form
    out_has 'before \x1b]0;title\x07 behind'
    ! grep -q "$(printf '\033')" "$OUT" "$ERR" || fail "an escape sequence reaches the terminal"
done
