#!/bin/bash
# An unfinished run of the target: the verbs that change its database without the pipeline refuse too, and say what to type.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
bank_project

die() {
    fresh
    pending_sleep
    start_deploy deploy
    sleeping
    kill -KILL "$run_pid"
    wait "$run_pid" 2>/dev/null || true
    wait_until holds "count(*) = 0 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid() OR application_name LIKE 'belay %'"
}

for gate in none rename; do
    begin "gate = $gate: upgrade, downgrade, stamp, dev and reset refuse with exit 5, and change nothing"
    keys "gate = $gate
auto_apply = yes" development
    die
    before_bare=$(databases)
    for verb in "upgrade head" "upgrade +1" "downgrade -1" "stamp head" "stamp --purge base" "dev" "reset --yes"; do
        # shellcheck disable=SC2086
        belay 5 $verb
        err_has "is unfinished"
        err_has "type: belay recover --target dev"
        # shellcheck disable=SC2086
        belay 5 $verb --json
        json_is error.code unfinished_run
    done
    equals "databases" "$(databases)" "$before_bare"
    begin "gate = $gate: preflight refuses as a deploy would; what needs the database behind the gate says what to type"
    belay 5 preflight --json
    json_is error.code unfinished_run
    if [ "$gate" = rename ]; then
        for verb in "current --check-heads" verify check snapshot "history -i" "rehearse --fresh"; do
            # shellcheck disable=SC2086
            belay 5 $verb --json
            json_is error.code unfinished_run
            json_is error.hint "type: belay recover --target dev"
        done
        belay 3 doctor
        out_has "begun on $(hostname), which did not finish"
        begin "gate = $gate: recover of a store without the journal does not claim that there is nothing to do"
        mv backups "$WORK/elsewhere"
        run_json 5 recover --json
        json_is error.code unfinished_run
        json error.message | grep "begun on $(hostname), which did not finish" >/dev/null || fail "where to recover is not said"
        json error.hint | grep "no whole journal of it is in" >/dev/null || fail "what is missing is not said"
        belay 5 current
        rm -rf backups
        mv "$WORK/elsewhere" backups
    fi

    begin "gate = $gate: recover without the server is no end: the run is unfinished still"
    sed "s|^host = .*|host = $WORK/nowhere|" belay.ini >other.ini
    run_json 5 recover -c other.ini --json
    json_is outcome needs_recovery
    json_is error.code connection_refused

    begin "gate = $gate: what only looks goes on; after recover they work again"
    belay 0 history
    belay 0 upgrade base:head --sql
    [ "$gate" = rename ] || belay 0 upgrade head --plan
    run_json 0 recover --json
    json_is outcome untouched
    same_as_before
    rm migrations/*bbbb00000002*
    pending_good
    belay 0 upgrade head
    belay 0 stamp aaaa00000001
done

begin "a verb that stores nothing does not make the store"
fresh
pending_good
belay 0 upgrade head
[ ! -e backups ] || fail "the store was made"

begin "a store that cannot be read: whether a run is unfinished is not known, so nothing is changed"
fresh
pending_good
: >backups
belay 1 upgrade head
err_has "nothing was changed"
rm backups
same_as_before
