#!/bin/bash
# valgrind finds no leak and no invalid access in a deploy.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
command -v valgrind >/dev/null || skip "no valgrind"
start_cluster
PROJECT_KEYS="gate = rename" make_project bank staging
program=$BELAY

under_valgrind() {
    local wanted=$1 status=0
    shift
    begin "belay $*"
    LAST="belay $*"
    valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
        --error-exitcode=99 --child-silent-after-fork=yes "$program" "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
    [ "$status" -eq "$wanted" ] || fail "\`$LAST\` under valgrind ended with status $status, expected $wanted"
}

under_valgrind 0 upgrade b65f0c38d7e1
under_valgrind 0 deploy
add_migration aaaa00000001 1da9275c8e36 "Commit half, then fail" "Transaction: no" >"$WORK/file" <<'SQL'
ALTER TABLE projects DROP COLUMN description;
ALTER TABLE projects ADD COLUMN must text NOT NULL;
SQL
under_valgrind 4 deploy
under_valgrind 0 recover
