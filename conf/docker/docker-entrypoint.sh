#!/bin/sh
# DEVELOPMENT ONLY: waits for the database, applies what is pending, then becomes the command. `belay dev` refuses targets of
# staging and production by itself (exit 3); this script does so before it even asks.
set -eu
if [ "${BELAY_ENVIRONMENT:-production}" != development ]; then
    echo "docker-entrypoint.sh applies migrations by itself and is for development: BELAY_ENVIRONMENT is not development" >&2
    exit 3
fi
belay dev
exec "$@"
