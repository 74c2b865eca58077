#!/bin/bash
# Reads a snapshot whole, as `belay verify ID` does, warm, on one core; prints MB of raw rows per second, the best of three.
# MB=1000 tests/bench/verify.sh makes a larger one.
set -eu
: "${BELAY:?}" "${BELAY_TESTS:?}"
folder=$(mktemp -d /tmp/belay_bench.XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '[target.dev]\nenvironment = development\nurl = postgresql:///none\nstore = local\n\n[store.local]\npath = store\n' >belay.ini
"$BELAY_TESTS/archive_driver" "$folder/store" dev 20251104T123400Z-aaaaaa "$((${MB:-320} / 16))" 16384
best=0
for _ in 1 2 3; do
    speed=$(taskset -c 0 "$BELAY" verify 20251104 -t dev --json --quiet |
        python3 -c 'import json, sys; a = json.load(sys.stdin); print(int(a["snapshot"]["raw_bytes"] / 1e6 / a["seconds"]))')
    if [ "$speed" -gt "$best" ]; then best=$speed; fi
done
echo "verify: $best MB/s of rows on one core (${MB:-320} MB raw, $(($(stat -c %s store/dev/*.tar) / 1000000)) MB stored)"
