#!/bin/bash
# `belay current` against a real server: the stamped revision, and what it says when the server is not there.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project

begin "a database that was never migrated has no revision"
belay 0 current
out_is ""

begin "the stamped revision is shown"
add_migration 3f2a9c1b7d10 "" "First" >"$WORK/file" <<<"SELECT 1;"
sql bank "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)" \
    "INSERT INTO alembic_version VALUES ('3f2a9c1b7d10')"
belay 0 current
out_has 3f2a9c1b7d10

begin "a database that does not exist is named"
sed -i 's/^dbname = .*/dbname = nowhere/' belay.ini
belay 1 current
err_has nowhere

begin "an unreachable server is an error that says so"
sed -i 's/^dbname = .*/dbname = bank/' belay.ini
crash_cluster
belay 1 current
err_has "No such file or directory"

begin "and after its restart everything is as before"
restart_cluster
belay 0 current
out_has 3f2a9c1b7d10

begin "a table of that name that is none of Alembic's"
sql bank "DROP TABLE alembic_version" "CREATE TABLE alembic_version (version text)"
belay 1 current
err_has "is no version table"
err_has "version_table"
