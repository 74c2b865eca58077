#!/bin/bash
# Installing what demo and tests need starts no service of the machine: not while it is installed, and no sshd later. With an
# apt-get that only looks around, in a mount namespace where /usr/sbin and /etc/ssh are empty at first.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
[ "$(id -u)" -eq 0 ] || skip "only root can make a mount namespace"
unshare -m true 2>"$ERR" || skip "no mount namespace: $(cat "$ERR")"
mkdir "$WORK/bin"
cat >"$WORK/bin/dpkg-query" <<'SH'
#!/bin/sh
for name; do :; done
case " $MISSING " in *" $name "*) printf unknown ;; *) printf installed ;; esac
SH
cat >"$WORK/bin/apt-get" <<'SH'
#!/bin/sh
[ "$1" != update ] || exit 0
status=none
if [ -e /usr/sbin/policy-rc.d ]; then
    status=0
    /usr/sbin/policy-rc.d ssh start || status=$?
fi
echo "apt-get: $* policy=$status"
exit "${APT_STATUS:-0}"
SH
chmod 755 "$WORK/bin"/*
cat >"$WORK/inside.sh" <<'SH'
set -euo pipefail
mount --make-rprivate /
mkdir -p /etc/ssh /etc/postgresql-common
for folder in /usr/sbin /etc/ssh /etc/postgresql-common; do mount -t tmpfs -o mode=0755 tmpfs "$folder"; done
eval "$PREPARE"
source "$BELAY_SOURCE/scripts/lib.sh"
status=0
(install_packages) || status=$?
echo "status=$status never=$(ls /etc/ssh) sbin=$(ls /usr/sbin | paste -sd' ')"
SH
# install PREPARE MISSING [APT_STATUS]
install() {
    LAST="install $*"
    PREPARE=$1 MISSING=$2 APT_STATUS=${3:-0} PATH=$WORK/bin:/usr/bin:/bin \
        unshare -m bash "$WORK/inside.sh" >"$OUT" 2>"$ERR" </dev/null || fail "the script failed"
}

begin "openssh-server is missing"
install "" "openssh-server zstd"
grep -qE '^apt-get: install .* openssh-server zstd policy=101$|^apt-get: install .* zstd openssh-server policy=101$' "$OUT" || fail "no policy"
out_has "status=0 never=sshd_not_to_be_run sbin="
grep -q 'sbin=$' "$OUT" || fail "the policy is left"

begin "the installation fails"
install "" "openssh-server" 100
out_has "policy=101"
out_has "status=1 never=sshd_not_to_be_run"
grep -q 'sbin=$' "$OUT" || fail "the policy is left"

begin "a policy that is there is left alone"
install 'printf "#!/bin/sh\nexit 104\n" >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d' "openssh-server"
out_has "policy=104"
out_has "sbin=policy-rc.d"

begin "an sshd that is there is left alone"
install 'touch /usr/sbin/sshd' "zstd"
out_has "policy=101"
out_has "status=0 never= sbin=sshd"

begin "nothing is missing"
install "" ""
out_is "status=0 never= sbin="
