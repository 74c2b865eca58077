#!/bin/bash
# The connection: profiles, rows, errors, copies, notices, cancelling; see tests/support/pg_driver.c.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
timeout 120 "$BELAY_TESTS/pg_driver"
