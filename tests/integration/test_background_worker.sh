#!/bin/bash
# A background worker that is bound to the database: refused before anything is changed. The worker is pg_prewarm's, which waits
# for a lock that a prepared transaction holds across the restart.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
CLUSTER_CONF="shared_preload_libraries = 'pg_prewarm'
max_prepared_transactions = 4" start_cluster
PROJECT_KEYS="gate = rename" make_empty_project bank staging
add_migration aaaa00000001 "" "Make accounts" >/dev/null <<<'CREATE TABLE accounts (id int PRIMARY KEY);'
sql bank "CREATE EXTENSION pg_prewarm" "CREATE TABLE held AS SELECT 1 AS x" "CHECKPOINT" "SELECT autoprewarm_dump_now()" >/dev/null
sql bank "BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'holder'"
crash_cluster && restart_cluster
bound() { [ "$(psql -X -At -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bank' AND backend_type LIKE 'autoprewarm%'")" = 1 ]; }
wait_until bound

begin "pre-flight names the worker and the prepared transaction"
belay 3 preflight
out_has 'background worker "autoprewarm'
out_has "prepared transaction 'holder'"
belay 3 deploy
equals "databases" "$(databases)" bank
sql_is bank "SELECT to_regclass('alembic_version') IS NULL" t

begin "with both gone the deploy goes through"
sql bank "ROLLBACK PREPARED 'holder'"
unbound() { ! bound; }
wait_until unbound
belay 0 deploy
sql_is bank "SELECT version_num FROM alembic_version" aaaa00000001
