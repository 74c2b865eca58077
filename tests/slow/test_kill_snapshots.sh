#!/bin/bash
# fault/test_kill_snapshots.sh at 50 moments of each command.
KILL_EACH=50 exec "${BELAY_SOURCE:?}/tests/fault/test_kill_snapshots.sh"
