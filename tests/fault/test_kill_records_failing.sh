#!/bin/bash
# SIGKILL before and after each journal record of a failing run, then `belay recover` at once.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
start_cluster
kill_project failing
kill_each_record
