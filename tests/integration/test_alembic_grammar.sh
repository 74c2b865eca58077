#!/bin/bash
# Compares belay's graph with Alembic's library on random graphs. ALEMBIC_PYTHON (and PYTHONPATH) choose another
# Alembic; GRAPHS and SEED another sample.
set -eu
exec "${ALEMBIC_PYTHON:-/usr/bin/python3}" "$BELAY_SOURCE/tests/support/alembic_oracle.py" \
  "$BELAY_TESTS/graph_driver" "${GRAPHS:-300}" "${SEED:-20251104}"
