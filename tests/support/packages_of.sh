#!/bin/bash
# Programs of another Debian release, for tests: unpacked beside the system, never installed.
#   packages_of.sh SUITE PACKAGE...   prints a folder with programs in bin/ (python3, psql, pg_dump, ...), which run with the
#                                     libraries of that release and take files and sockets of this one
# Ends with 1, and says why, where that is not to be had. What was fetched stays in $BELAY_TEST_CACHE (by default
# /var/tmp/belay-tests-UID). Only apt's and dpkg's own clients are used, with the mirror and keys of this machine.
set -euo pipefail

suite=${1:?usage: packages_of.sh SUITE PACKAGE...}
shift
cache=${BELAY_TEST_CACHE:-/var/tmp/belay-tests-$(id -u)}
name=$suite-$(printf '%s\n' "$@" | sha256sum | cut -c1-12)
dir=$cache/$name

cannot() {
    echo "packages_of.sh: no $* of Debian $suite here" >&2
    exit 1
}

mkdir -p "$cache"
chmod 755 "$cache"
exec 9>"$cache/$name.lock"
flock 9
if [ -e "$dir/complete" ]; then
    echo "$dir"
    exit 0
fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || cannot "$* (no apt)"

rm -rf "$dir"
mkdir -p "$dir"/apt/{etc/preferences.d,state/lists/partial,cache/archives/partial} "$dir/root" "$dir/bin"
: >"$dir/apt/status"
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    awk '$2 ~ /^(bookworm|trixie|forky|sid)$/ && !found { found = $1 } END { print found }')
[ -n "$mirror" ] || cannot "$* (this machine's apt names no Debian mirror)"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$dir/apt/etc/sources.list"
apt() {
    timeout 300 apt-get -q -o Dir::State="$dir/apt/state" -o Dir::State::status="$dir/apt/status" -o Dir::Cache="$dir/apt/cache" \
        -o Dir::Etc="$dir/apt/etc" -o Dir::Etc::sourceparts=- -o APT::Install-Recommends=0 -o APT::Sandbox::User= \
        -o Debug::NoLocking=1 -o DPkg::Post-Invoke= -o APT::Update::Post-Invoke= -y "$@" >>"$dir/apt/log" 2>&1 </dev/null
}
apt update || cannot "$* (the lists of packages cannot be fetched: $dir/apt/log)"
apt --download-only install "$@" || cannot "$* (apt-get: $dir/apt/log)"
for file in "$dir"/apt/cache/archives/*.deb; do
    # tar may not make devices or change owners without root; nothing here needs either.
    dpkg-deb --fsys-tarfile "$file" | tar -x --no-same-owner --keep-directory-symlink -C "$dir/root"
done
rm -rf "$dir/apt/cache" "$dir/apt/state"

root=$dir/root
loader=$(find "$root" -path '*/lib64/ld-linux*' -print -quit)
[ -n "$loader" ] || cannot "$* (its packages bring no libc)"
libraries=$(find "$root/usr/lib" -maxdepth 1 -name '*-linux-gnu' -print -quit)
[ ! -d "$root/lib/${libraries##*/}" ] || libraries=$libraries:$root/lib/${libraries##*/}

# wrap NAME PROGRAM [ENVIRONMENT...]: bin/NAME runs PROGRAM with that release's loader and libraries.
wrap() {
    local wrapped=$1 program=$2
    shift 2
    printf '#!/bin/sh\nexec env %s "%s" --library-path "%s" "%s" "$@"\n' "$*" "$loader" "$libraries" "$program" >"$dir/bin/$wrapped"
    chmod 755 "$dir/bin/$wrapped"
}
for program in "$root"/usr/lib/postgresql/*/bin/*; do
    [ ! -f "$program" ] || wrap "${program##*/}" "$program" -u LD_LIBRARY_PATH
done
python=$(find "$root/usr" -path '*/bin/python3.[0-9]*' -type f -print -quit)
if [ -n "$python" ]; then
    wrap python3 "$python" "-u LD_LIBRARY_PATH" "PYTHONHOME='$root/usr'" PYTHONDONTWRITEBYTECODE=1 \
        "PYTHONPATH='$root/usr/lib/python3/dist-packages'\${PYTHONPATH:+:\$PYTHONPATH}"
fi
chmod -R go+rX "$dir"
: >"$dir/complete"
echo "$dir"
