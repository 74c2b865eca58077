#!/bin/bash
# What a terminal shows: colours unless NO_COLOR is set, and a progress line that never wraps; a pipe gets plain lines.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project bank
sql bank "CREATE TABLE entries AS SELECT i, md5(i::text) AS a, md5((i + 1)::text) AS b FROM generate_series(1, 600000) i" >/dev/null
unset NO_COLOR
export TERM=xterm

# shown COLUMNS STATUS ARGUMENTS...: belay at a terminal of that width; what it shows is in $OUT
shown() {
    local status=0
    LAST="belay ${*:3}"
    python3 - "$1" "$BELAY" "${@:3}" >"$OUT" 2>"$ERR" <<'PYTHON' || status=$?
import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 25, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
while True:
    try:
        data = os.read(terminal, 4096)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
PYTHON
    equals "status" "$status" "$2"
}
escapes() { grep -c $'\033\\[[0-9;]*m' "$OUT" || true; }

begin "errors have colours on a terminal, unless NO_COLOR is set"
shown 80 2 show nothing
[ "$(escapes)" -gt 0 ] || fail "no colour"
NO_COLOR=1 shown 80 2 show nothing
equals "coloured lines" "$(escapes)" 0
NO_COLOR='' shown 80 2 show nothing
[ "$(escapes)" -gt 0 ] || fail "an empty NO_COLOR counts"

TERM=dumb shown 80 2 show nothing
equals "coloured lines of a dumb terminal" "$(escapes)" 0

begin "progress fits the terminal, and is gone at the end"
for width in 30 200; do
    shown "$width" 0 snapshot
    python3 - "$OUT" "$width" <<'PYTHON' || fail "the progress line"
import re, sys
text, width = open(sys.argv[1], newline="").read(), int(sys.argv[2])
lines = re.findall(r"(snapshot: [^\r\n]*)\r\x1b\[K", text)
assert lines, text
assert all(len(line) < width for line in lines), lines
assert text.count("snapshot: ") == len(lines), "one was left standing"
assert width < 100 or any(" %" in line and "/s" in line for line in lines), lines
PYTHON
done
shown 80 0 snapshot -q
! grep -q 'snapshot: ' "$OUT" || fail "--quiet shows progress"

begin "a pipe gets no control characters"
belay 2 show nothing
belay 0 snapshot
! grep -q $'[\r\033]' "$OUT" "$ERR" || fail "control characters"

begin "--progress=json: every line on stderr is an event"
belay 0 snapshot --json --progress=json
python3 - "$ERR" "$OUT" <<'PYTHON' || fail "the events"
import json, sys
events, answer = [json.loads(line) for line in open(sys.argv[1])], json.load(open(sys.argv[2]))
assert all(set(e) >= {"event", "elapsed_ms"} for e in events), events
assert [e["elapsed_ms"] for e in events] == sorted(e["elapsed_ms"] for e in events)
assert ["snapshot", "synced"] in [[e["what"], e["name"]] for e in events if e["event"] == "stage"], events
ends = [e for e in events if e["event"] == "progress" and e["finished"] and e["what"] == "snapshot"]
assert len(ends) == 1 and ends[0]["rows"] == answer["rows"] and ends[0]["bytes"] == answer["raw_bytes"], ends
assert ends[0]["items"] == ends[0]["total_items"] == answer["tables"], ends
assert ends[0]["seconds_left"] == 0 and ends[0]["total_bytes"] == ends[0]["bytes"] and ends[0]["rate_bytes_per_s"] > 0, ends
PYTHON
belay 2 show nothing --progress=json
python3 -c 'import json, sys
event, = map(json.loads, sys.stdin)
assert event["event"] == "error" and event["error"]["code"] == "usage" or event["error"]["message"], event' <"$ERR" || fail "the error's event"
belay 2 show nothing --progress=json --json
python3 -c 'import json, sys
event, = map(json.loads, open(sys.argv[1]))
assert event["error"] == json.load(open(sys.argv[2]))["error"], event' "$ERR" "$OUT" || fail "the error's event beside --json"

begin "--progress: plain lines on a terminal, none, and no other words"
shown 80 0 snapshot --progress=plain
! grep -q $'\033\[K' "$OUT" || fail "plain progress is rewritten in place"
shown 80 0 snapshot --progress none
! grep -q 'snapshot: ' "$OUT" || fail "--progress=none shows progress"
belay 2 snapshot --progress=loud
err_has '--progress takes auto, plain, none or json, not "loud"'

begin "an answer that cannot be written"
# lost STATUS ARGUMENTS...: with a stdout that is full
lost() {
    local wanted=$1 status=0
    shift
    "$BELAY" "$@" >/dev/full 2>"$ERR" || status=$?
    equals "status of belay $*" "$status" "$wanted"
    err_has "the answer cannot be written to stdout: No space left on device"
}
lost 1 snapshots
lost 1 --version
lost 0 deploy --json # the status tells what became of the database
"$BELAY" history 2>"$ERR" | true
equals "told a reader who had enough" "$(cat "$ERR")" ""
