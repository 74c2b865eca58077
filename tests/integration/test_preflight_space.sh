#!/bin/bash
# Pre-flight, room: a store on a small disk, against what the tables hold.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/preflight_lib.sh"
[ "$(id -u)" = 0 ] || skip "mounting a small disk needs root"
start_cluster
preflight_project
mkdir "$WORK/small"
mount -t tmpfs -o size=4m,mode=700 belay-test "$WORK/small" 2>/dev/null || skip "this machine mounts no tmpfs"
# The mount goes before the folder does.
trap 'status=$?; umount "$WORK/small"; (exit "$status"); lib_cleanup' EXIT
sed -i "s|^path = .*|path = $WORK/small|" belay.ini

begin "room enough"
finds ok store_space fine

begin "less than the tables hold: a warning, since a snapshot is compressed"
sql bank "CREATE TABLE filler AS SELECT i, repeat('x', 900) AS t FROM generate_series(1, 6000) i"
finds warn store_space "a snapshot may not fit" "belay prune"
belay 0 deploy
belay 0 downgrade -1

begin "less than a quarter: refused, before anything is changed"
sql bank "INSERT INTO filler SELECT i, repeat('x', 900) FROM generate_series(1, 20000) i"
finds refuse store_space "MB free, the tables hold" "belay prune"
belay 3 deploy
sql_is bank "SELECT version_num FROM alembic_version" a1

begin "a twin alone needs no room there"
set_key way_back twin
set_key snapshot no
finds ok store_space fine
