#!/bin/bash
# `cmake --install`, with --prefix and with DESTDIR: everything arrives, and the installed program works from there.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
command -v cmake >/dev/null || skip "no cmake"
build=$(dirname "$(dirname "$BELAY")")
[ -e "$build/cmake_install.cmake" ] || skip "$build is no build folder"
[ -e "$build/belay.1" ] || skip "the man page was not built"

# arrived PREFIX
arrived() {
    local file source
    [ -x "$1/bin/belay" ] || fail "no program in $1"
    [ -s "$1/share/man/man1/belay.1" ] || fail "no man page in $1"
    for source in README.md docs conf; do
        (cd "$BELAY_SOURCE" && find "$source" -type f) | while read -r file; do
            cmp -s "$BELAY_SOURCE/$file" "$1/share/doc/belay/${file#docs/}" || fail "$file did not arrive as it is"
        done
    done
    equals "others can read it" "$(find "$1" ! -perm -o+r | head -n 3)" ""
}

begin "a prefix of one's own, with a space"
cmake --install "$build" --prefix "$WORK/my programs" >"$OUT" 2>"$ERR" || fail "cmake --install"
arrived "$WORK/my programs"
equals "folders" "$(cd "$WORK/my programs" && find . -maxdepth 1 -mindepth 1 | sort | paste -sd' ')" "./bin ./share"

begin "DESTDIR"
DESTDIR=$WORK/root cmake --install "$build" --prefix /usr >"$OUT" 2>"$ERR" || fail "cmake --install with DESTDIR"
arrived "$WORK/root/usr"

begin "the man page is one"
if command -v man >/dev/null; then
    man --warnings -l "$WORK/root/usr/share/man/man1/belay.1" >"$OUT" 2>"$ERR" </dev/null || fail "man"
    out_has deploy
    equals "warnings" "$(cat "$ERR")" ""
fi

begin "the installed program, without the source and without the build"
program="$WORK/my programs/bin/belay"
! readelf -d "$program" 2>/dev/null | grep -E 'RUNPATH|RPATH' || fail "it looks for libraries in a folder of the build"
BELAY=$program
start_cluster
make_project bank staging
belay 0 help
belay 0 upgrade head
belay 0 deploy
belay 0 current
out_has "(head)"
