#!/bin/bash
# fault/test_kill_random.sh at 200 moments of each kind of run instead of a few.
KILL_RANDOM=200 exec "${BELAY_SOURCE:?}/tests/fault/test_kill_random.sh"
