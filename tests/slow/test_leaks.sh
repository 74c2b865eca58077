#!/bin/bash
# valgrind finds no leak and no invalid access in a deploy, nor in what goes back.
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
under_valgrind 0 deploy
under_valgrind 0 current
under_valgrind 0 snapshot
snapshot=$(find backups -name '*.tar' | sort | head -n 1)
snapshot=${snapshot##*/}
under_valgrind 0 prove "${snapshot%.tar}"
under_valgrind 0 verify "${snapshot%.tar}"
under_valgrind 0 restore "${snapshot%.tar}" --yes
under_valgrind 0 rehearse
under_valgrind 0 deploy
add_migration aaaa00000001 1da9275c8e36 "Commit half, then fail" "Transaction: no" >"$WORK/file" <<'SQL'
ALTER TABLE projects DROP COLUMN description;
SELECT 1 / 0;
SQL
under_valgrind 4 deploy
PROJECT_KEYS=$'gate = rename\nway_back = verified' write_project bank staging
under_valgrind 4 deploy
[ ! -e "${BELAY_TESTS:?}/killer.so" ] || {
    cp "$BELAY_TESTS/killer.so" "$WORK/killer.so"
    at=$(grep -n '"act":"migrate","state":"failed"' "$(find backups -name journal.ndjson -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)" | cut -d: -f1)
    { KILLER_AT=$at LD_PRELOAD=$WORK/killer.so "$program" deploy >"$OUT" 2>"$ERR" </dev/null; } 2>/dev/null || true
    under_valgrind 5 deploy
}
under_valgrind 0 recover
rm migrations/*aaaa00000001*
add_migration aaaa00000001 1da9275c8e36 "Fail in the transaction" >"$WORK/file" <<'SQL'
ALTER TABLE projects DROP COLUMN description;
SELECT 1 / 0;
SQL
under_valgrind 1 deploy
