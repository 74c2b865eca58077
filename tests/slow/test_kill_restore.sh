#!/bin/bash
# fault/test_kill_restore.sh at every journal record instead of every second.
KILL_STRIDE=1 exec "${BELAY_SOURCE:?}/tests/fault/test_kill_restore.sh"
