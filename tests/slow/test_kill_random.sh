#!/bin/bash
# fault/test_kill_random.sh at 200 moments instead of a few.
KILL_RANDOM=200 exec "${BELAY_SOURCE:?}/tests/fault/test_kill_random.sh"
