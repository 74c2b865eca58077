#!/bin/bash
# Each header of src/ compiles alone. The first argument is the compiler, the rest are its flags.
set -euo pipefail
cd "${BELAY_SOURCE:?}/src"
failed=0
while IFS= read -r header; do
    "$@" -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I . -include util/banned.h -Wall -Wextra -Werror \
        -fsyntax-only -x c -include "$header" /dev/null || {
        echo "does not compile alone: $header" >&2
        failed=1
    }
done < <(find . -name '*.h' | sort)
exit $failed
