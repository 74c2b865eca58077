# shellcheck shell=bash
# What the benches against pg_dump and pg_restore share: the server, the clock, the table.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
ROUNDS=${ROUNDS:-3}
JOBS=${JOBS:-2}
TIMES=$WORK/times # measure.py's objects

# The server is the same for all. It syncs, as a real one does, and has memory enough that nobody waits for a disk to read.
bench_settings="fsync = on
wal_level = replica
shared_buffers = 1GB
maintenance_work_mem = 256MB
max_wal_size = 16GB
checkpoint_timeout = 1h
autovacuum = off
jit = off"
bench_cluster() {
    CLUSTER_CONF=${1-$bench_settings} start_cluster
}

# What this machine unpacks in a second, in MB, on one core: rented ones change their pace by half from one minute to the next, which
# no median of three hides.
note_pace() {
    zstd -q -b1 -i1 "$BELAY" 2>&1 | awk '$1 == "-1" { print int($(NF - 2)) }' >>"$TIMES.pace"
}
tell_pace() {
    echo "pace        zstd -1 unpacks $(sort -n "$TIMES.pace" | sed -n '1p;$p' | paste -s -d ' ' | sed 's/ / to /') MB/s on one core of this machine meanwhile"
}

# measure NAME COMMAND...: runs and notes it. What the server still has to write is written before, for nobody's account.
measure() {
    local name=$1
    shift
    sql postgres "CHECKPOINT"
    note_pace
    python3 "$BELAY_SOURCE/tests/bench/measure.py" "$TIMES" "$name" "$@" || {
        cp "$TIMES.out" "$OUT"
        cp "$TIMES.err" "$ERR"
        LAST=$*
        fail "$name failed"
    }
}

# median NAME [KEY]: of the rounds; KEY is seconds (default), cpu_seconds, peak_kib, or a stage, as stages.synced. Prints "-"
# where no round has it.
median() {
    python3 - "$TIMES" "$1" "${2:-seconds}" <<'PYTHON'
import json, statistics, sys
path, name, key = sys.argv[1:]
values = []
for line in open(path):
    entry = json.loads(line)
    if entry["name"] == name:
        value = entry
        for part in key.split(".", 1):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            values.append(value)
print("%.3f" % statistics.median(values) if values else "-")
PYTHON
}

# row MEASURE VALUE UNIT GOAL [least]: a line of the table; a goal of "-" is none. With `least` the value has to reach it.
row() {
    awk -v what="$1" -v value="$2" -v unit="$3" -v goal="$4" -v least="${5:-}" 'BEGIN {
        met = value == "-" ? "not measured" : goal == "-" ? "" : ((least != "" ? value + 0 >= goal + 0 : value + 0 <= goal + 0) ? "met" : "MISSED")
        printf "| %-62s | %9s %-5s | %7s | %-6s |\n", what, value, unit, goal, met
    }'
}
row_head() {
    tell_pace
    printf '\n| %-62s | %-15s | %-7s | %-6s |\n| --- | --- | --- | --- |\n' measure measured goal ""
}
# sum A B
sum() {
    awk -v a="$1" -v b="$2" 'BEGIN { print a + b }'
}
# ratio A B
ratio() {
    awk -v a="$1" -v b="$2" 'BEGIN { if (a == "-" || b == "-" || b + 0 == 0) print "-"; else printf "%.2f\n", a / b }'
}

# where_time_went NAME: medians of its stages, in the order of their ends.
where_time_went() {
    python3 - "$TIMES" "$1" <<'PYTHON'
import json, statistics, sys
path, name = sys.argv[1:]
runs = [entry for entry in map(json.loads, open(path)) if entry["name"] == name]
ends = {stage: statistics.median(run["stages"].get(stage, 0) for run in runs) for run in runs for stage in run["stages"]}
parts, before = [], 0
for stage, end in sorted(ends.items(), key=lambda item: item[1]):
    parts.append("%s %.2f" % (stage, end - before))
    before = end
total = statistics.median(run["seconds"] for run in runs)
cpu = statistics.median(run["cpu_seconds"] for run in runs)
print("%-16s %6.2f s (own CPU %.2f s): %s" % (name, total, cpu, ", ".join(parts + ["rest %.2f" % (total - before)])))
PYTHON
}

# pg_dump 17 of Debian trixie; empty where it cannot be had.
pg_dump_17() {
    local folder
    if folder=$("$BELAY_SOURCE/tests/support/packages_of.sh" trixie postgresql-client-17 2>/dev/null); then echo "$folder/bin/pg_dump"; fi
}

describe() {
    echo "machine     $(nproc) cores ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)), $(free -g | awk '/^Mem/ { print $2 }') GB, files in $(df --output=fstype,target "$WORK" | tail -n 1 | tr -s ' ')"
    echo "versions    $("$BELAY" --version), server $(sql postgres "SHOW server_version"), $(pg_dump --version), $(zstd --version | grep -o 'v[0-9.]*' | head -n 1 | sed 's/^/zstd /')"
    echo "server      $(sql postgres "SELECT string_agg(name || ' = ' || current_setting(name), ', ' ORDER BY name) FROM pg_settings WHERE source = 'configuration file'
        AND name IN ('fsync', 'wal_level', 'shared_buffers', 'maintenance_work_mem', 'max_wal_size', 'autovacuum', 'jit', 'max_connections')")"
    echo "rounds      $ROUNDS, in turns; medians; jobs $JOBS; caches warm for all"
}
