# shellcheck shell=bash
# What scripts/demo and scripts/test share. Sourced by a script that has set `set -euo pipefail`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export root

say() {
    printf '\n== %s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The packages of scripts/packages that are not installed.
missing_packages() {
    local name
    sed 's/#.*//' "$root/scripts/packages" | while read -r name; do
        [ -n "$name" ] || continue
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
    done
}

# As root, or through sudo where that needs no terminal or there is one.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

can_be_root() {
    [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { (exec </dev/tty) 2>/dev/null && sudo -v; }; }; }
}

# Runs a command while invoke-rc.d starts no service (exit status 101: forbidden by policy), where nobody has a policy yet.
without_services() (
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
        trap 'as_root rm -f "$policy"' EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    "$@"
)

# Installs what is missing; touches neither network nor system when nothing is.
install_packages() {
    local missing=()
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" -gt 0 ] || return 0
    if ! can_be_root; then
        echo "These packages are missing, and installing them takes root or sudo:" >&2
        printf '  %s\n' "${missing[@]}" >&2
        echo "Install them with: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    say "installing ${missing[*]}"
    # Without this, installing postgresql-15 creates and starts a cluster of its own on port 5432.
    local policy=/etc/postgresql-common/createcluster.conf
    if [ ! -e "$policy" ]; then
        as_root mkdir -p "${policy%/*}"
        echo "create_main_cluster = false" | as_root tee "$policy" >/dev/null
    fi
    # Neither is openssh-server to serve this machine, now or after its next start: only sshds of the tests' own are wanted.
    local never=/etc/ssh/sshd_not_to_be_run
    if [[ " ${missing[*]} " == *" openssh-server "* ]] && [ ! -e /usr/sbin/sshd ] && [ ! -e "$never" ]; then
        as_root mkdir -p "${never%/*}"
        as_root touch "$never"
        echo "Debian's sshd will not serve this machine as long as $never exists."
    fi
    as_root apt-get update -q </dev/null || die "apt-get update failed; the missing packages are: ${missing[*]}"
    without_services as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        -o Dpkg::Options::=--force-confold "${missing[@]}" </dev/null ||
        die "apt-get install failed; the missing packages are: ${missing[*]}"
}

# build PRESET: configures and builds it in build/PRESET.
build() { # PRESET [TARGET]
    (cd "$root" && cmake --preset "$1" >/dev/null && cmake --build "build/$1" ${2:+--target "$2"} -- -j "$(nproc)" >"build/$1/build.log" 2>&1) || {
        tail -n 60 "$root/build/$1/build.log" >&2
        die "the build of preset $1 failed; all of it is in $root/build/$1/build.log"
    }
}
