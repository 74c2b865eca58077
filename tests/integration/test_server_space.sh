#!/bin/bash
# Space on the server: seen where its disk is this machine's, declared where not; what is neither is said.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
unseen=@belay-test-$$ # an abstract socket: an address that is no path, as with TCP
CLUSTER_CONF="unix_socket_directories = '$WORK/pg/s, $unseen'" start_cluster
PROJECT_KEYS="gate = rename" make_empty_project bank staging
add_migration aaaa00000001 "" "Make a table" >"$WORK/file" <<<"CREATE TABLE t (id integer);"

# finding VERDICT TEXT
finding() {
    python3 - "$OUT" "$1" "$2" <<'PYTHON' || fail "pre-flight: server_space is not $1 with \"$2\""
import json, sys
one = [c for c in json.load(open(sys.argv[1]))["checks"] if c["name"] == "server_space"]
assert len(one) == 1 and one[0]["verdict"] == sys.argv[2] and sys.argv[3] in one[0]["message"] + one[0]["hint"], one
PYTHON
}

begin "seen: the server's disk is here"
belay 0 preflight --json
finding ok "MB free in $WORK/pg/data"

begin "a declared quota that is less than what is seen counts"
belay 3 preflight --server-space=1MB --json
finding refuse "1 MB free as --server-space declares"
belay 3 deploy --server-space 1MB
err_has "server_space: the server has 1 MB free as --server-space declares"
belay 0 preflight --server-space=1P --json
finding ok "MB free in $WORK/pg/data"

begin "not to be seen: a warning that says how to declare it"
sed -i "s|^host = .*|host = $unseen|" belay.ini
belay 0 preflight --json
finding warn "unknown: the server's disk cannot be seen from here"
finding warn "--server-space=SIZE"
belay 0 preflight --server-space=500GB --json
finding ok "512000 MB free as --server-space declares"
belay 0 preflight --server-space=100MB --json
finding warn "may be needed"
belay 3 preflight --server-space=1MB --json

begin "what is no size"
for bad in much 1.5.5G -3 "" 5XB; do
    belay 2 preflight --server-space="$bad"
    err_has "--server-space takes a size"
done
belay 0 deploy --server-space=500GB
