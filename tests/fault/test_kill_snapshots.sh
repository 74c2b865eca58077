#!/bin/bash
# SIGKILL at random times of `snapshot`, `prove` and `restore ID`: no half-published snapshot, no session or process stays, the
# same command then succeeds, and with it all leftovers are gone. KILL_EACH is how many kills of each (the slow
# label takes 50), KILL_VERBS which of them. And between the two names that publish a signed snapshot.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
# shellcheck source=kill_lib.sh
source "$BELAY_SOURCE/tests/fault/kill_lib.sh"
start_cluster
kill_project succeeding
sql postgres "ALTER DATABASE bank RENAME TO kept" "ALTER DATABASE bank_before RENAME TO bank"
# Enough rows, some of them large, that most of the time is neither the start nor the end.
sql bank "CREATE TABLE noise AS SELECT i AS id, (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 40) WHERE i = i) AS words
    FROM generate_series(1, 20000) i" "CREATE INDEX ON noise (id)" "CREATE INDEX ON noise (md5(words))" "SELECT lo_from_bytea(0, decode(repeat('ab', 100000), 'hex'))" >/dev/null
sql postgres "DROP DATABASE kept" "ALTER DATABASE bank RENAME TO bank_before"
state_for=([untouched]=$(state_of bank_before))
each=${KILL_EACH:-5} verbs=" ${KILL_VERBS:-snapshot prove restore} "

kill_fresh
belay 0 snapshot --json
snapshot=$(json id)
rm -rf "$WORK/store"
cp -R backups "$WORK/store"

no_session() {
    [ "$(sql postgres "SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('client backend', 'parallel worker') AND application_name <> 'test'")" = 0 ]
}

# half_published: every file with a snapshot's name is whole, and there are as many as before or one more.
whole_files() {
    local file
    for file in backups/dev/*.tar; do
        file=${file##*/}
        belay_ends 0 verify "${file%.tar}"
    done
}

# killed_after MS COMMAND...: was it killed then? One that ended before says how long it takes now, as the machine is now; it
# has to have succeeded.
killed_after() {
    local ms=$1
    shift
    LAST="belay $*"
    status=0
    kill_clock
    # In the foreground: what belay has started is not killed with it.
    KILL_MARK=$WORK env -u PGAPPNAME timeout --foreground -s KILL "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))" "$BELAY" "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
    [ "$status" -ne 137 ] || return 0
    # timeout says 124 of one that had just ended when it was to be killed.
    [ "$status" -eq 0 ] || [ "$status" -eq 124 ] || fail "it ended with status $status before it was killed"
    kill_measured
    return 1
}

# each_time COMMAND...: killed at random times of an undisturbed run's duration, as often as is asked for: one that had ended
# already does not count. After each, look_after.
each_time() {
    local killed=0 over=0 ms
    [[ $verbs = *" $1 "* ]] || return 0
    kill_fresh
    kill_clock
    belay_ends 0 "$@"
    kill_measured
    while [ "$killed" -lt "$each" ]; do
        ms=$((1 + (RANDOM * 32768 + RANDOM) % run_ms)) # timeout takes 0 for never
        begin "$*: killed after $ms of $run_ms ms ($killed of $each so far)"
        kill_fresh
        if killed_after "$ms" "$@"; then
            killed=$((killed + 1))
        else
            over=$((over + 1))
            [ "$over" -le $((10 + 2 * each)) ] || fail "it ends before it is killed"
            continue
        fi
        equals "processes left" "$(left_of_processes)" ""
        wait_until no_session
        whole_files
        look_after "$@"
        equals "left on the server" "$(left_after_a_moment)" ""
        equals "files left" "$(left_of_files)" ""
        whole_files
    done
    echo "  $1: killed $killed times; $over ended before"
}

look_after() {
    equals "the database" "$(state_of bank)" "${state_for[untouched]}"
    belay_ends 0 "$@"
}
each_time snapshot
each_time prove "$snapshot"

# An unfinished run wants its recover first; whatever it made of it, the database is whole.
look_after() {
    belay_ends 0 recover
    equals "the database" "$(state_of bank)" "${state_for[untouched]}"
    sql postgres "$(databases | sed -nE 's/^(.*__belay_failed_.*)$/DROP DATABASE "\1";/p')"
    belay_ends 0 "$@"
    equals "the database" "$(state_of bank)" "${state_for[untouched]}"
    equals "kept databases" "$(databases | grep -c '__belay_failed_')" 1
}
each_time restore "$snapshot" --yes

# published, left: the target's snapshots; what else of them lies there, but proofs and what the lint remembers.
published() {
    belay 0 snapshots --json
    json snapshots.length
}
left() {
    find backups/dev -maxdepth 1 -type f ! -name '*.tar' ! -name '*.proof.json' ! -name lint.json -printf '%f\n' | sed 's/^[^.]*//' | sort | tr '\n' ' '
}
kill_fresh
belay 0 key new --sign "$WORK/sign.key"
sed -i "s|^store = local|&\nsign_with = $WORK/sign.key|" belay.ini

begin "killed between the signature of a snapshot and its name: neither is a snapshot; prune, doctor and the next one know"
kill_at_publishing() {
    KILLER_ON=publish KILLER_AT=1 KILLER_WHEN=$1 LD_PRELOAD=$KILLER kill_run "${@:2}"
    [ "$status" -eq 137 ] || fail "it was not killed; it ended with status $status"
}
kill_at_publishing before snapshot
equals "files" "$(left)" ".tar.minisig .tar.part "
equals "snapshots" "$(published)" 1
wait_until no_session
belay 0 doctor
out_has "nothing in the store is left over"
find backups/dev -maxdepth 1 -name '*.tar.*' -exec touch -d '20 minutes ago' {} +
belay 0 prune --dry-run
out_has "unfinished, nobody writes to it"
out_has "there is no snapshot that it belongs to"
belay 0 doctor
out_has "there is no snapshot that it belongs to"
belay_ends 0 snapshot
equals "files" "$(left)" ".tar.minisig "
equals "snapshots" "$(published)" 2

begin "killed behind the name: it is a snapshot, and signed"
kill_at_publishing after snapshot
equals "files" "$(left)" ".tar.minisig .tar.minisig "
equals "snapshots" "$(published)" 3
sed -i "s|^sign_with = .*|&\nrequire_signature = $WORK/sign.pub|" belay.ini
belay 0 verify "$(json snapshots.0.id)"

begin "a deploy that is killed there: recover removes both"
kill_at_publishing before deploy
belay_ends 0 recover --json
json_is outcome untouched
equals "files" "$(left)" ".tar.minisig .tar.minisig "
