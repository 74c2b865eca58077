#!/bin/bash
# `belay restore ID --table`: what is made is what ALTER TABLE ... SET SCHEMA would have made of the original, whatever kinds of
# columns, constraints and names the tables have. pg_dump of both is compared.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project
sql_file bank "$BELAY_SOURCE/tests/support/tables.sql" >/dev/null
TABLES='kinds linked "Odd ""%s"".x" tree leaf twig parted shop.parted typed status empty'
belay 0 snapshot --json
id=$(json id)

# The original moved by the server itself, without what a restored table does not have.
sql postgres "CREATE DATABASE oracle TEMPLATE bank"
sql oracle 'CREATE SCHEMA side' 'ALTER TABLE kinds SET SCHEMA side' >/dev/null
sql_file oracle "$BELAY_SOURCE/tests/support/tables_moved.sql" >/dev/null

dump_of() {
    pg_dump -n side -O -x "$1" --no-publications | sed -e '/^\\\(un\)\?restrict /d' -e '/^-- Dumped/d' -e 's/; Owner: .*//'
}
