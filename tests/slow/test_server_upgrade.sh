#!/bin/bash
# A snapshot of one server restored on another: on a newer one all of it comes back, an older one is refused before anything
# is made. PAIRS: "OLD:NEW ..."; a version that is not to be had is named, and with none the test counts as skipped.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"

# between OLD NEW: the target dev is on the old server, later on the new one. Their programs are in $old_bin and $new_bin.
between() {
    local old=$1 new=$2
    begin "from $old to $new: taken on $old"
    BELAY_PG_BIN=$old_bin start_cluster "pg$old"
    BELAY_PG_BIN=$new_bin start_cluster "pg$new"
    PATH=$new_bin:$lib_path
    on "$old"
    PROJECT_KEYS="gate = rename" make_project bank
    sql postgres "CREATE ROLE rich_reader" "CREATE ROLE rich_owner"
    belay 0 upgrade head
    sql_file bank "$BELAY_SOURCE/tests/support/everything.sql" >/dev/null
    belay 0 snapshot --json
    json_is state verified
    snapshot=$(json id)
    belay 0 prove "$snapshot"
    rows=$(row_hashes bank) tables=$(tables_of)

    begin "restored on $new, where there is neither database nor roles"
    on "$new"
    sed -i "s|^host = .*|host = $PGHOST|" belay.ini
    belay 3 restore "$snapshot" --yes
    err_has rich_owner
    equals "databases" "$(databases)" ""
    belay 0 restore "$snapshot" --yes --create-roles
    equals "rows" "$(row_hashes bank)" "$rows"
    equals "tables and their indexes" "$(tables_of)" "$tables"
    belay 0 current --check-heads
    belay 0 verify

    begin "what was taken on $new is refused on $old, before anything is made"
    belay 0 snapshot --json
    snapshot=$(json id)
    on "$old"
    sed -i "s|^host = .*|host = $PGHOST|" belay.ini
    for command in "restore $snapshot --yes" "prove $snapshot"; do
        # shellcheck disable=SC2086
        belay 3 $command
        err_has "the snapshot comes from PostgreSQL $new"
        err_has "version $new or newer"
    done
    equals "databases" "$(databases)" bank
    equals "rows" "$(row_hashes bank)" "$rows"

    begin "migrated and put back on $new"
    on "$new"
    sed -i "s|^host = .*|host = $PGHOST|" belay.ini
    rows=$(row_hashes bank)
    head=$(sql bank "SELECT version_num FROM alembic_version")
    add_migration aaaa00000099 "$head" "Commit, then fail" "Transaction: no" >/dev/null <<<'CREATE TABLE committed (a int); SELECT 1 / 0;'
    belay 4 deploy
    equals "rows" "$(row_hashes bank)" "$rows"
    cd "$WORK"
    rm -rf project
    stop_cluster "pg$old"
    stop_cluster "pg$new"
}

on() {
    PGHOST=$(cluster_host "pg$1")
    export PGHOST
}

tables_of() {
    sql bank "SELECT c.oid::regclass, relkind, (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid), (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT tgisinternal)
        FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'belay') ORDER BY c.oid::regclass::text COLLATE \"C\""
}

lib_path=$PATH
pairs=0
for pair in ${PAIRS:-14:17 15:17 15:18 17:18}; do
    old_bin=$("$BELAY_SOURCE/tests/support/server_of.sh" "${pair%:*}") || continue
    new_bin=$("$BELAY_SOURCE/tests/support/server_of.sh" "${pair#*:}") || continue
    between "${pair%:*}" "${pair#*:}"
    pairs=$((pairs + 1))
done
[ "$pairs" -gt 0 ] || skip "no other server is to be had"
