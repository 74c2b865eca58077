#!/bin/bash
# The main flow on every server that belay is made for: 14 to 18. A version that is not to be had is named, not passed over
# in silence; with none but Debian's own the test counts as skipped. VERSIONS and TESTS choose some.
set -u
here=${BELAY_SOURCE:?}/tests
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 absent=0 skipped=0
for major in ${VERSIONS:-14 16 17 18}; do
    if ! bin=$("$here/support/server_of.sh" "$major"); then
        absent=$((absent + 1))
        continue
    fi
    for name in ${TESTS:-pg current doctor preflight gate deploy snapshot snapshot_workers snapshots restore restore_run restore_checks restore_rights restore_large restore_partition_keys restore_tables restore_tables_kinds everything encryption signatures create_roles prune way_back rehearse migrate verify assess export dev lint snapshot_ddl fixtures}; do
        status=0
        BELAY_PG_BIN=$bin "$here/integration/test_$name.sh" >"$log" 2>&1 || status=$?
        if [ "$status" -eq 0 ]; then
            passed=$((passed + 1))
            echo "PostgreSQL $major: $name passed"
        elif [ "$status" -eq 77 ]; then
            skipped=$((skipped + 1))
            echo "PostgreSQL $major: $name $(grep -m 1 '^SKIP' "$log")"
        else
            failed=$((failed + 1))
            echo "PostgreSQL $major: $name FAILED"
            tail -n 40 "$log"
        fi
    done
done
echo "$passed passed, $failed failed, $skipped skipped, $absent versions not to be had"
[ "$failed" -eq 0 ] || exit 1
[ "$passed" -gt 0 ] || exit 77
