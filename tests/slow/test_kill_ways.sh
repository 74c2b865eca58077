#!/bin/bash
# fault/test_kill_ways.sh at every journal record instead of some.
KILL_STRIDE=1 exec "${BELAY_SOURCE:?}/tests/fault/test_kill_ways.sh"
