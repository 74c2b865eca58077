#!/bin/bash
# fault/test_kill_recover.sh at every fifth call instead of every 18th.
KILL_STRIDE=5 exec "${BELAY_SOURCE:?}/tests/fault/test_kill_recover.sh"
