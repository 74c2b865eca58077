# shellcheck shell=bash
# What the tests of pre-flight share. Sourced after lib.sh.
#
#     start_cluster; preflight_project   # database bank at revision a1 of two, gate = rename, in $WORK/project
#     finds warn archiver "fails since"  # `belay preflight` has that finding, and its exit status goes with it

preflight_project() {
    PROJECT_KEYS='gate = rename' make_empty_project bank
    add_migration a1 "" "Create accounts" >/dev/null <<'SQL'
CREATE TABLE accounts (id int PRIMARY KEY, name text NOT NULL);
-- belay: downgrade
DROP TABLE accounts;
SQL
    belay 0 deploy
    add_migration a2 a1 "Add a column" >/dev/null <<'SQL'
ALTER TABLE accounts ADD COLUMN opened date;
-- belay: downgrade
ALTER TABLE accounts DROP COLUMN opened;
SQL
}

# verdict NAME: the worst of that check in $OUT
verdict() {
    python3 - "$OUT" "$1" <<'PYTHON'
import json, sys
order = ["ok", "warn", "refuse"]
found = [c["verdict"] for c in json.load(open(sys.argv[1]))["checks"] if c["name"] == sys.argv[2]]
print(max(found, key=order.index) if found else "(not looked at)")
PYTHON
}

# finding VERDICT NAME TEXT [HINT]: a finding in $OUT
finding() {
    python3 - "$OUT" "$@" <<'PYTHON' || fail "no finding: $*"
import json, sys
verdict, name, text = sys.argv[2:5]
hint = sys.argv[5] if len(sys.argv) > 5 else ""
checks = json.load(open(sys.argv[1]))["checks"]
found = [c for c in checks if (c["verdict"], c["name"]) == (verdict, name) and text in c["message"] and hint in c["hint"]]
sys.exit(not found)
PYTHON
}

# finds VERDICT NAME TEXT [HINT]: that finding is its check's worst, the status goes with it, and nothing is left on the server
finds() {
    local status=0
    [ "$1" = refuse ] && status=3
    belay "$status" preflight --json
    equals "check $2" "$(verdict "$2")" "$1"
    finding "$@"
    equals "databases" "$(databases)" "$(printf 'bank\n%s' "${OTHERS:-}" | sed '/^$/d')"
}

# set_key KEY VALUE, unset_key KEY: of target dev
set_key() {
    unset_key "$1"
    sed -i "/^store = /a $1 = $2" belay.ini
}
unset_key() {
    sed -i "/^$1 = /d" belay.ini
}
