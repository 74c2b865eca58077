#!/bin/bash
# belay's snapshot and restore against pg_dump and pg_restore, in turns on the same server; prints medians and ratios, and the goals.
#   snapshot.sh data     a bank of more than 1 GB of rows, 85 % of them in one table
#   snapshot.sh encrypted   the same bank; snapshot, verify and restore with encrypt_to against those without, and pg_dump | zstd -1 | age
#   snapshot.sh tables   5,000 empty tables with a key; 20,000 tables on a server with default settings
#   snapshot.sh memory   belay's own peak, with rows up to 1 MB
# PEERS=pgcopydb lets data have that peer too (a package that nothing else needs). ROUNDS=3, JOBS=2, SIZE_MB=1100 (of rows), DETAILS_EVERY=1 (which entries have jsonb, the type that costs the server most), TABLES=5000. SIZE_MB=100 ROUNDS=1 is a quick look. KEEP_DATA=FILE keeps the measured
# values. Files lie in BELAY_TEST_BASE (default /tmp).
source "${BELAY_SOURCE:?}/tests/bench/bench_lib.sh"
here=$BELAY_SOURCE/tests/bench
dump17=$(pg_dump_17)
what=${1:-data}

# use_database NAME [KEYS]: a project whose target dev is that database.
use_database() {
    PROJECT_KEYS="gate = rename
way_back = verified
accept_loss = yes
jobs = $JOBS
${2:-}" write_project "$1" development
}

# belay_snapshot NAME: takes one, measured as NAME; its id in $ID, its file in $SNAPSHOT.
belay_snapshot() {
    measure "$1" "$BELAY" snapshot --json --progress=json
    cp "$TIMES.out" "$OUT"
    ID=$(json id)
    SNAPSHOT=$(json path)
}
belay_restore() {
    measure "$1" "$BELAY" restore "$ID" --yes --json --progress=json
    cp "$TIMES.out" "$OUT"
    json_is outcome restored
}
# forget_copies DB: drops what restores and pg_restore have left.
forget_copies() {
    local db
    for db in $(sql postgres "SELECT datname FROM pg_database WHERE datname LIKE '$1\\_\\_belay%' OR datname = 'peer_copy'"); do
        sql postgres "ALTER DATABASE \"$db\" ALLOW_CONNECTIONS true" "DROP DATABASE \"$db\" (FORCE)"
    done
}
peer_restore() {
    sql postgres "CREATE DATABASE peer_copy TEMPLATE template0"
    measure "$1" pg_restore -j "$JOBS" -d peer_copy "$2"
}

# The copy of a database that needs no file: tables larger than a chunk of its jobs in ranges, as belay has them.
copy_by_pgcopydb() {
    rm -rf "$WORK/copydb"
    sql postgres "CREATE DATABASE peer_copy TEMPLATE template0"
    measure pgcopydb pgcopydb clone --source "host=$PGHOST user=postgres dbname=bank" --target "host=$PGHOST user=postgres dbname=peer_copy" \
        --dir "$WORK/copydb" --table-jobs "$JOBS" --index-jobs "$JOBS" --split-tables-larger-than "100 MB" --no-role-passwords --no-owner
    sql postgres "DROP DATABASE peer_copy"
}

# piped COMMAND FILE: what COMMAND writes, through zstd into FILE, synced.
piped() {
    echo "set -o pipefail; $1 | zstd -q -1 -f -o '$2' && sync '$2'"
}

make_bank() {
    local size_mb=${SIZE_MB:-1100} entries half start=$SECONDS
    # A million entries and what belongs to them are 340 MB, of which details are 105.
    entries=$((size_mb * 1000000 / (235 + 105 / ${DETAILS_EVERY:-1})))
    entries=$((entries / 2000 * 2000))
    half=$((entries / 2))
    sql postgres "CREATE DATABASE bank"
    sql_file bank "$here/sql/tables.sql"
    local from
    for from in 1 $((half + 1)); do
        psql -X -q -v ON_ERROR_STOP=1 -v entries=$entries -v details_every="${DETAILS_EVERY:-1}" -v first="$from" -v last=$((from + half - 1)) -d bank -f "$here/sql/entries.sql" &
    done
    psql -X -q -v ON_ERROR_STOP=1 -v entries=$entries -d bank -f "$here/sql/others.sql" &
    wait
    sql_is bank "SELECT count(*) FROM entries" "$entries"
    sql_file bank "$here/sql/keys.sql"
    echo "made in     $((SECONDS - start)) s; details (jsonb) in every entry of ${DETAILS_EVERY:-1}"
}

describe_bank() {
    sql bank "SELECT format('database    %s: rows %s (%s %% of them in entries), indexes %s', pg_size_pretty(pg_database_size('bank')),
        pg_size_pretty(sum(pg_table_size(c.oid))), (100 * max(pg_table_size(c.oid)) / sum(pg_table_size(c.oid)))::int, pg_size_pretty(sum(pg_indexes_size(c.oid))))
        FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
}

# One round: everybody once. The peers' files stay until the next one.
data_round() {
    rm -rf "$WORK"/d15 "$WORK"/d17 "$WORK"/d.zst "$WORK/project/backups/dev"
    measure "pg_dump -Fd" pg_dump -Fd -j "$JOBS" -Z1 -f "$WORK/d15" bank
    belay_snapshot snapshot
    measure "pg_dump|zstd" bash -c "$(piped "pg_dump bank" "$WORK/d.zst")"
    [ -z "$dump17" ] || measure "pg_dump 17" "$dump17" -Fd -j "$JOBS" -Z zstd:1 -f "$WORK/d17" bank
    peer_restore pg_restore "$WORK/d15"
    belay_restore restore
    forget_copies bank
    case ${PEERS:-} in *pgcopydb*) copy_by_pgcopydb ;; esac
}

data() {
    bench_cluster
    describe
    make_bank
    describe_bank
    use_database bank
    pg_dump bank >/dev/null # warm
    local i
    for ((i = 0; i < ROUNDS; i++)); do data_round; done
    local size peer_size
    size=$(stat -c %s "$SNAPSHOT")
    peer_size=$(stat -c %s "$WORK/d.zst")
    echo "sizes       belay $((size / 1000000)) MB, pg_dump|zstd $((peer_size / 1000000)) MB, pg_dump -Fd -Z1 $(du -sm "$WORK/d15" | cut -f1) MB$([ -z "$dump17" ] || echo ", pg_dump 17 $(du -sm "$WORK/d17" | cut -f1) MB")"
    echo "seconds     pg_dump -Fd -Z1 $(median "pg_dump -Fd"), pg_dump|zstd $(median "pg_dump|zstd"), pg_dump 17 $(median "pg_dump 17"), pg_restore $(median pg_restore)"
    where_time_went snapshot
    where_time_went restore
    local synced verified loaded
    synced=$(median snapshot stages.synced)
    verified=$(median snapshot stages.verified)
    loaded=$(median restore stages.loaded)
    row_head
    row "snapshot until synced / pg_dump -Fd -j$JOBS -Z1" "$(ratio "$synced" "$(median "pg_dump -Fd")")" "" 0.45
    row "snapshot until verified / the same" "$(ratio "$verified" "$(median "pg_dump -Fd")")" "" 0.50
    row "snapshot until synced / pg_dump | zstd -1" "$(ratio "$synced" "$(median "pg_dump|zstd")")" "" 0.50
    row "snapshot until synced / pg_dump 17 -Fd -j$JOBS -Z zstd:1" "$(ratio "$synced" "$(median "pg_dump 17")")" "" 0.65
    row "archive size / pg_dump | zstd -1" "$(ratio "$size" "$peer_size")" "" 1.10
    row "restore until loaded / pg_restore -j$JOBS" "$(ratio "$loaded" "$(median pg_restore)")" "" 0.75
    row "restore until compared, analysed and swapped / the same" "$(ratio "$(median restore)" "$(median pg_restore)")" "" 0.95
    row "verify of this snapshot, raw data per core" "$(verify_speed)" MB/s 900 least
    case ${PEERS:-} in *pgcopydb*) row "snapshot until verified + restore / pgcopydb clone" "$(ratio "$(sum "$verified" "$(median restore)")" "$(median pgcopydb)")" "" - ;; esac
}

# Those with keys are called the same, and "sealed" behind.
encrypted_round() {
    local kind keys
    rm -rf "$WORK/d.age"
    for kind in "" " sealed"; do
        keys=
        [ -z "$kind" ] || keys="encrypt_to = $(cat "$WORK/key.pub")
identity = $WORK/key"
        use_database bank "$keys"
        rm -rf backups/dev
        belay_snapshot "snapshot$kind"
        measure "verify$kind" "$BELAY" verify "$ID" --json
        belay_restore "restore$kind"
        forget_copies bank
    done
    measure "pg_dump|zstd|age" bash -c "set -o pipefail; pg_dump bank | zstd -q -1 | age -r '$(cat "$WORK/key.pub")' -o '$WORK/d.age' && sync '$WORK/d.age'"
}

encrypted() {
    local i what
    bench_cluster
    describe
    make_bank
    describe_bank
    "$BELAY" key new "$WORK/key" >"$WORK/key.pub" 2>"$ERR" || fail "no key"
    pg_dump bank >/dev/null # warm
    for ((i = 0; i < ROUNDS; i++)); do encrypted_round; done
    echo "seconds     snapshot $(median snapshot) and $(median "snapshot sealed"), verify $(median verify) and $(median "verify sealed"), restore $(median restore) and $(median "restore sealed"), pg_dump|zstd|age $(median "pg_dump|zstd|age")"
    echo "own CPU     snapshot $(median snapshot cpu_seconds) and $(median "snapshot sealed" cpu_seconds), verify $(median verify cpu_seconds) and $(median "verify sealed" cpu_seconds), restore $(median restore cpu_seconds) and $(median "restore sealed" cpu_seconds)"
    row_head
    for what in snapshot verify restore; do
        row "$what, encrypted / plain" "$(ratio "$(median "$what sealed")" "$(median "$what")")" "" -
    done
    row "snapshot until synced, encrypted / pg_dump | zstd -1 | age" "$(ratio "$(median "snapshot sealed" stages.synced)" "$(median "pg_dump|zstd|age")")" "" -
}

# verify_speed: MB of raw rows a second on one core, the best of three.
verify_speed() {
    local i speed best=0
    for ((i = 0; i < 3; i++)); do
        taskset -c 0 "$BELAY" verify "$ID" --json --quiet >"$OUT" 2>"$ERR" || fail "verify"
        speed=$(python3 -c 'import json, sys; a = json.load(open(sys.argv[1])); print(int(a["snapshot"]["raw_bytes"] / 1e6 / a["seconds"]))' "$OUT")
        if [ "$speed" -gt "$best" ]; then best=$speed; fi
    done
    echo "$best"
}

# make_tables DB N: N empty tables with a key, a thousand per transaction.
make_tables() {
    local i
    sql postgres "CREATE DATABASE $1"
    for ((i = 0; i < $2; i += 500)); do
        sql "$1" "SET client_min_messages = warning; DO \$\$ BEGIN FOR i IN $i + 1 .. least($i + 500, $2) LOOP
            EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, name text, at timestamptz DEFAULT now())', i); END LOOP; END \$\$"
    done
}

tables_round() {
    rm -rf "$WORK/d15" "$WORK/project/backups/dev"
    measure "pg_dump -Fd" pg_dump -Fd -j "$JOBS" -f "$WORK/d15" many
    peer_restore pg_restore "$WORK/d15"
    belay_snapshot snapshot
    belay_restore restore
    forget_copies many
}

# On a server as it comes: it works, or the answer names the setting.
twenty_thousand() {
    local answer status=0
    stop_cluster
    bench_cluster ""
    make_tables many 20000
    use_database many
    "$BELAY" snapshot --json >"$OUT" 2>"$ERR" </dev/null || status=$?
    if [ "$status" -eq 0 ]; then
        answer="snapshot works in $(json seconds) s"
        ID=$(json id)
        "$BELAY" restore "$ID" --yes --json >"$OUT" 2>"$ERR" </dev/null || status=$?
        [ "$status" -ne 0 ] || answer+=", restore works"
    fi
    if [ "$status" -ne 0 ]; then
        grep -o 'max_locks_per_transaction = [0-9]*' "$OUT" "$ERR" >"$WORK/locks" || fail "no word of max_locks_per_transaction"
        answer="${answer:+$answer; }exit $status, names $(sed -n '1s/.*://p' "$WORK/locks")"
    fi
    status=0
    pg_dump -Fd -j "$JOBS" -f "$WORK/d20000" many >/dev/null 2>"$WORK/d20000.err" || status=$?
    echo "20,000 tables, default settings: $answer; pg_dump: exit $status$(grep -o 'out of shared memory' "$WORK/d20000.err" | sed -n '1s/^/, /p')"
}

tables() {
    local i count=${TABLES:-5000}
    bench_cluster "$bench_settings
max_locks_per_transaction = 512"
    describe
    make_tables many "$count"
    use_database many
    for ((i = 0; i < ROUNDS; i++)); do tables_round; done
    echo "seconds     pg_dump $(median "pg_dump -Fd"), pg_restore $(median pg_restore)"
    where_time_went snapshot
    where_time_went restore
    row_head
    local ours peers
    ours=$(sum "$(median snapshot stages.verified)" "$(median restore)")
    peers=$(sum "$(median "pg_dump -Fd")" "$(median pg_restore)")
    row "$count empty tables, snapshot + restore / pg_dump + pg_restore" "$(ratio "$ours" "$peers")" "" 0.5
    [ -n "${TABLES:-}" ] || twenty_thousand
}

memory() {
    bench_cluster
    describe
    sql postgres "CREATE DATABASE wide"
    sql_file wide "$here/sql/wide.sql"
    sql wide "SELECT format('database    %s rows, %s, the widest %s', count(*), pg_size_pretty(sum(length(v) + length(t))), pg_size_pretty(max(length(v) + length(t))::bigint)) FROM wide"
    use_database wide
    local i
    for ((i = 0; i < ROUNDS; i++)); do
        belay_snapshot snapshot
        belay_restore restore
        forget_copies wide
    done
    where_time_went snapshot
    where_time_went restore
    row_head
    row "peak memory of belay snapshot, $JOBS jobs, rows up to 1 MB" "$(awk -v k="$(median snapshot peak_kib)" 'BEGIN { printf "%.0f", k / 1024 }')" MiB 128
    row "peak memory of belay restore, the same" "$(awk -v k="$(median restore peak_kib)" 'BEGIN { printf "%.0f", k / 1024 }')" MiB 128
}

case $what in
data | encrypted | tables | memory) "$what" ;;
*) fail "usage: snapshot.sh data|encrypted|tables|memory" ;;
esac
[ -z "${KEEP_DATA:-}" ] || cp "$TIMES" "$KEEP_DATA"
