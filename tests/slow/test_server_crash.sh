#!/bin/bash
# fault/test_server_crash.sh at every journal record instead of every second.
KILL_STRIDE=1 exec "${BELAY_SOURCE:?}/tests/fault/test_server_crash.sh"
