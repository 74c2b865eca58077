#!/bin/bash
# Writing to and reading from the store on another host, against OpenSSH's `sftp put` and `sftp get` over the same line, in turns:
# on loopback, and by a link that delays each way by 50 ms.
#
# usage: BELAY_BUILD=build/release tests/bench/sftp.sh [MB [ROUNDS]]      (default: 400 MB, 5 rounds)
#
# Prints per line and direction the median of each and their ratio (above 1: belay is faster). belay's write ends with fsync on the far
# side; `put -f` does the same, and is what it is compared with. OpenSSH chooses its own cipher; with CIPHER=aes128-ctr it takes the one
# that libssh2 has.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "${BELAY_BUILD:-$here/build/release}" && pwd)
export BELAY=$build/bin/belay BELAY_TESTS=$build/tests BELAY_SOURCE=$here
source "$here/tests/support/lib.sh"
source "$here/tests/support/ssh_lib.sh"
megabytes=${1:-400}
rounds=${2:-5}
start_sshd far
start_link long 127.0.0.1 "${SSH_PORT[far]}" --delay-ms 50
ssh_alias long far "Port ${LINK_PORT[long]}" "HostKeyAlias [127.0.0.1]:${SSH_PORT[far]}"
options=()
if [ -n "${CIPHER:-}" ]; then options=(-o "Ciphers=$CIPHER" -o "MACs=${MAC:-hmac-sha2-256}"); fi
mkdir "$WORK/store"
head -c "${megabytes}M" /dev/urandom >"$WORK/noise"

seconds() {
    local from
    from=$(date +%s%N)
    "$@" >/dev/null 2>"$ERR" || fail "$*"
    echo $(($(date +%s%N) - from)) | awk '{ printf "%.3f\n", $1 / 1e9 }'
}
sftp_batch() {
    sftp -q ${options[@]+"${options[@]}"} -b <(echo "$2") "$1"
}
median() {
    sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for line in far long; do
    rm -f "$WORK"/times.*
    for ((round = 0; round < rounds; round++)); do
        rm -f "$WORK/store/"*
        seconds "$BELAY_TESTS/store_driver" "sftp://$line$WORK/store" put "$WORK/noise" belay >>"$WORK/times.put.belay"
        seconds sftp_batch $line "put -f $WORK/noise $WORK/store/sftp" >>"$WORK/times.put.sftp"
        seconds "$BELAY_TESTS/store_driver" "sftp://$line$WORK/store" get belay "$WORK/got" >>"$WORK/times.get.belay"
        seconds sftp_batch $line "get $WORK/store/sftp $WORK/got" >>"$WORK/times.get.sftp"
    done
    for verb in put get; do
        awk -v line=$line -v verb=$verb -v b="$(median "$WORK/times.$verb.belay")" -v s="$(median "$WORK/times.$verb.sftp")" -v mb="$megabytes" \
            'BEGIN { printf "%-4s %s: belay %6.1f MB/s, sftp %6.1f MB/s, ratio %.2f\n", line, verb, mb / b, mb / s, s / b }'
    done
done
