#!/bin/bash
# Alembic 1.13 of Debian trixie: the same comparisons as with Debian 12's 1.8, the grammar on more graphs.
set -eu
here=${BELAY_SOURCE:?}/tests
folder=$("$here/support/packages_of.sh" trixie alembic python3-psycopg2) || {
    echo "SKIP: Alembic of Debian trixie is not to be had here" >&2
    exit 77
}
export ALEMBIC_PYTHON=$folder/bin/python3
version=$("$ALEMBIC_PYTHON" -c 'import alembic; print(alembic.__version__)')
echo "Alembic $version"
case $version in 1.1[3-9].* | 1.[2-9][0-9].*) ;; *)
    echo "FAIL: expected 1.13 or newer" >&2
    exit 1
    ;;
esac
GRAPHS=${GRAPHS:-600} "$here/integration/test_alembic_grammar.sh"
"$here/integration/test_alembic_interop.sh"
