#!/bin/bash
# Snapshots that earlier versions wrote (fixtures/make.sh) are verified, proven and restored, and hold what they held. On a server
# older than that of a fixture, it is refused as such.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
fixtures=$BELAY_SOURCE/tests/integration/fixtures
version=$(sql postgres "SHOW server_version_num")
write_project bank development
add_migration aaaa00000001 "" "Nothing" >"$WORK/file" <<<'-- belay: upgrade'

for fixture in "$fixtures"/*/*.tar; do
    id=$(basename "$fixture" .tar)
    begin "$(basename "$(dirname "$fixture")"): $id"
    mkdir -p backups/dev
    cp "$fixture" backups/dev/
    belay 0 verify "$id"
    belay 0 snapshots --json
    json_is snapshots.0.id "$id"
    if [ "$(tar -xOf "$fixture" header.json | sed -nE 's/^ *"server_version": ([0-9]{2}).*/\1/p')" -gt "${version:0:2}" ]; then
        belay 3 restore "$id" --yes
        err_has "a newer server's snapshot does not go into an older one"
        continue
    fi
    belay 0 prove "$id"
    belay 0 restore "$id" --yes
    psql -X -A -t -q -d bank -f "$fixtures/query.sql" >"$WORK/got" 2>&1 || true
    diff "$(dirname "$fixture")/expected" "$WORK/got" >"$WORK/diff" || fail "it holds something else: $(head -20 "$WORK/diff")"
    belay 0 current
    out_has aaaa00000001

    begin "and by hand, with tar, zstd and psql"
    mkdir "$WORK/by hand"
    tar -xf "$fixture" -C "$WORK/by hand"
    sql postgres "DROP DATABASE bank"
    (cd "$WORK/by hand" && sh restore.sh bank) >"$OUT" 2>"$ERR" || fail "restore.sh"
    psql -X -A -t -q -d bank -f "$fixtures/query.sql" >"$WORK/got" 2>&1 || true
    diff "$(dirname "$fixture")/expected" "$WORK/got" >"$WORK/diff" || fail "by hand it holds something else: $(head -20 "$WORK/diff")"
    sql postgres "DROP DATABASE bank"
    rm -rf backups "$WORK/by hand"
done
