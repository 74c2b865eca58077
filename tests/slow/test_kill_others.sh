#!/bin/bash
# fault/test_kill_others.sh at more calls.
KILL_ROUNDS=40 exec "${BELAY_SOURCE:?}/tests/fault/test_kill_others.sh"
