#!/bin/bash
# The connection: profiles, rows, errors, copies, notices, cancelling; see tests/support/pg_driver.c.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
loopback=127.$((1 + RANDOM % 250)).$((RANDOM % 250)).$((1 + RANDOM % 250))
CLUSTER_CONF="listen_addresses = '$loopback'" start_cluster
timeout 120 "$BELAY_TESTS/pg_driver"

begin "over TCP the server notices a client that is gone"
echo "host all all 127.0.0.0/8 trust" >>"$WORK/pg/data/pg_hba.conf"
sql postgres "SELECT pg_reload_conf()" >/dev/null
wait_until psql -X -h "$loopback" -d postgres -c "SELECT 1"
PGHOST=$loopback timeout 120 "$BELAY_TESTS/pg_driver" the_server_asks_after_its_client
