#!/bin/bash
# Everything over SSH with another libssh2 than the system's: the one in the folder $BELAY_TEST_LIBSSH2, or else that of Debian trixie
# (1.11), which needs no more of libc and OpenSSL than Debian 12 has. And the sources with its headers, where those are there.
: "${BELAY:?}" "${BELAY_TESTS:?}"
set -euo pipefail
source=${BELAY_SOURCE:?}
work=$(mktemp -d "${BELAY_TEST_BASE:-/tmp}/belay.XXXXXX")
trap 'rm -rf "$work"' EXIT
headers=
if [ -z "${BELAY_TEST_LIBSSH2:-}" ]; then
    folder=$("$source/tests/support/packages_of.sh" trixie libssh2-1-dev) || {
        echo "SKIP: BELAY_TEST_LIBSSH2 names no folder with a libssh2.so.1, and that of Debian trixie is not to be had here" >&2
        exit 77
    }
    # Alone: beside it lie that release's libc and OpenSSL.
    mkdir "$work/library" "$work/headers"
    cp "$folder"/root/usr/lib/*-linux-gnu/libssh2.so.1 "$work/library/"
    find "$folder/root/usr/include" -name 'libssh2*.h' -exec cp {} "$work/headers/" \;
    export BELAY_TEST_LIBSSH2=$work/library
    headers=$work/headers
fi
version() {
    python3 -c 'import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.libssh2_version.restype = ctypes.c_char_p
print(library.libssh2_version(0).decode())' "$1"
}
other=$(version "$BELAY_TEST_LIBSSH2/libssh2.so.1") || {
    echo "FAIL: $BELAY_TEST_LIBSSH2 has no libssh2.so.1 that can be loaded" >&2
    exit 1
}
echo "libssh2 $other instead of $(version libssh2.so.1)"

failed=()
if [ -n "$headers" ]; then
    echo "- the sources, with its headers"
    for file in "$source"/src/remote/*.c; do
        cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -DBELAY_SONAME_LIBSSH2='"libssh2.so.1"' -I"$headers" -I"$source/src" \
            -I"$(pg_config --includedir)" "$file" || failed+=("${file##*/}")
    done
fi
# test_ssh_support has the tests' own sshd, agent and links, with OpenSSH as the client.
for test in "$source"/tests/integration/test_ssh_*.sh "$source"/tests/fault/test_ssh_*.sh; do
    name=$(basename "$test" .sh)
    [ "$name" != test_ssh_support ] || continue
    echo "- $name"
    status=0
    "$test" >"$work/said" 2>&1 || status=$?
    case $status in
    0) ;;
    77) tail -n 1 "$work/said" ;;
    *)
        cat "$work/said"
        failed+=("$name")
        ;;
    esac
done
[ "${#failed[@]}" -eq 0 ] || {
    echo "FAIL: with this libssh2: ${failed[*]}" >&2
    exit 1
}
