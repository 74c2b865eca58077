#!/bin/bash
# The layers of src/ hold, and the check does see each kind of arrow that must not be.
set -euo pipefail
check=$BELAY_SOURCE/tests/layers/check_layers.py
python3 "$check" "$BELAY_SOURCE/src"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# refuses TEXT FILE INCLUDE [FILE INCLUDE]: a tree with these includes is refused with this text
refuses() {
    local text=$1
    shift
    rm -rf "$work/src"
    mkdir -p "$work/src/util"
    while [ $# -gt 0 ]; do
        mkdir -p "$work/src/$(dirname "$1")"
        echo "#include \"$2\"" >>"$work/src/$1"
        shift 2
    done
    local said
    if said=$(python3 "$check" "$work/src"); then
        echo "not refused: $text" >&2
        exit 1
    fi
    grep -qF "$text" <<<"$said" || {
        echo "expected \"$text\", got: $said" >&2
        exit 1
    }
}
refuses "util must not include pg" util/str.c pg/pg.h
refuses "store/x.c:1: store must not include restore" store/x.c restore/restore.h
refuses "in a ring" gate/a.c restore/restore.h restore/b.c gate/gate.h
refuses "unknown folder nowhere" cli/a.c nowhere/a.h
refuses "a folder without a layer" misc/a.c util/str.h
