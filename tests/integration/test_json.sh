#!/bin/bash
# Every document that CONTRACT.md describes: exactly its keys, of their types, whatever the outcome.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project
add_migration aaaa0001 "" "Add a" "Branch Labels: main" >/dev/null <<'SQL'
CREATE TABLE a (id int PRIMARY KEY);
-- belay: downgrade
DROP TABLE a;
SQL
add_migration aaaa0002 aaaa0001 "Add b" >/dev/null <<'SQL'
CREATE TABLE b (id int PRIMARY KEY);
-- belay: downgrade
DROP TABLE b;
SQL

# shape FORM: the last answer has that form. In a form "key" is required and "key?" may be there besides; a type is
# text, bool, count, seconds, any of these with |null, [type], or {...}.
shape() {
    python3 - "$OUT" "$1" <<'PYTHON' || fail "the answer has not the form $1"
import json, sys
ERROR = {"code": "text", "message": "text", "hint": "text|null", "sqlstate": "text|null", "file": "text|null",
         "line": "count|null", "statement": "text|null", "detail?": "text|null"}
CHECKS = {"verdict": "ok,warn,refuse", "checks": [{"name": "text", "verdict": "ok,warn,refuse", "message": "text", "hint": "text|null"}]}
RUN = {"run": "text|null", "target": "text|null",
       "outcome": "succeeded,untouched,restored,downgraded,stopped,refused,needs_recovery",
       "from": ["text"], "to": ["text"], "snapshot": "text|null", "twin": "text|null", "kept": "text|null",
       "stages": [{"name": "text", "outcome": "text", "seconds": "seconds"}]}
SNAPSHOT = {"id": "text", "path": "text", "target": "text", "created_at": "text", "revisions": ["text"], "state": "text",
            "bytes": "count", "raw_bytes": "count", "rows": "count", "tables": "count", "seconds": "seconds", "lint?": CHECKS}
FORMS = {
    "current": {"target": "text", "heads": ["text"], "at_head": "bool", "pending": "count"},
    "revisions": {"revisions": [{"revision": "text", "down_revisions": ["text"], "depends_on": ["text"],
                  "branch_labels": ["text"], "message": "text", "is_head": "bool", "is_merge": "bool",
                  "is_branch_point": "bool", "applied": "bool|null"}]},
    "plan": {"from": ["text"], "to": ["text"], "steps": [{"revision": "text", "direction": "upgrade,downgrade"}]},
    "run": {**RUN, "error": "null"},
    "failed run": {**RUN, "error": ERROR},
    "rehearsal": {**RUN, "error": "null", "steps?": "count", "downgraded?": "count", "irreversible?": "text|null",
                  "schema_equal?": "bool|null", "schema_difference?": "text|null", "private_server?": "bool", "record?": "text|null",
                  "warnings?": ["text"]},
    "snapshot": SNAPSHOT,
    "snapshots": {"snapshots": [{**SNAPSHOT, "proven_at?": "text"}]},
    "checks": CHECKS,
    "failed checks": {**CHECKS, "error": ERROR},
    "failure": {"ok": "bool", "error": ERROR},
}
def fits(value, kind):
    return {"null": value is None, "bool": isinstance(value, bool), "text": isinstance(value, str),
            "count": isinstance(value, int) and not isinstance(value, bool) and value >= 0,
            "seconds": isinstance(value, (int, float)) and not isinstance(value, bool)}.get(kind, False)
def check(value, form, where):
    if isinstance(form, list):
        if not isinstance(value, list):
            sys.exit(f"{where} is no list: {value!r}")
        for i, item in enumerate(value):
            check(item, form[0], f"{where}[{i}]")
    elif isinstance(form, dict):
        if not isinstance(value, dict):
            sys.exit(f"{where} is no object: {value!r}")
        wanted = {key for key in form if not key.endswith("?")}
        allowed = {key.rstrip("?") for key in form}
        if not wanted <= value.keys() <= allowed:
            sys.exit(f"{where}: lacks {sorted(wanted - value.keys())}, has besides {sorted(value.keys() - allowed)}")
        for key, one in value.items():
            check(one, form[key] if key in form else form[key + "?"], f"{where}.{key}")
    elif "," in form:
        if value not in form.split(","):
            sys.exit(f"{where}: {value!r} is none of {form}")
    elif not any(fits(value, kind) for kind in form.split("|")):
        sys.exit(f"{where}: {value!r} is no {form}")
check(json.load(open(sys.argv[1])), FORMS[sys.argv[2]], "answer")
PYTHON
}

begin "revisions"
for verb in heads history branches; do
    belay 0 $verb --json
    shape revisions
done
belay 0 upgrade aaaa0001
belay 0 current --json
shape current
belay 7 current --check-heads --json
json_is error.code answer_no
belay 0 upgrade head --plan --json
shape plan
belay 0 downgrade base --plan --json
shape plan
json_is steps.0.direction downgrade

begin "checks"
belay 0 preflight --json
shape checks
belay 7 verify --json
shape "failed checks"
PGPORT=1 belay 1 preflight --json
shape "failed checks"

begin "runs"
belay 0 deploy --json
shape run
belay 0 deploy --json
shape run
belay 0 verify --json
shape checks
belay 0 recover --json
shape run
belay 0 rehearse --json
shape rehearsal
belay 2 deploy nobody --json
shape "failed run"
belay 2 deploy dev -t dev --json
shape "failed run"
json_is error.code usage
PGPORT=1 belay 1 deploy --json
shape "failed run"
belay 1 restore nothing --json
shape "failed run"

begin "snapshots"
belay 0 snapshot --json
shape snapshot
id=$(json id)
belay 0 snapshots --json
shape snapshots
belay 0 verify "$id" --json
json_is verdict ok
belay 0 prove "$id" --json
json_is ok true
belay 0 snapshots --json
shape snapshots
belay 0 restore "$id" --yes --json
shape run

begin "the others"
belay 2 current -t nobody --json
shape failure
belay 2 current --nothing --json
shape failure
belay 2 nothing --json
shape failure
PGPORT=1 belay 1 current --json
shape failure
