#!/bin/bash
# scripts/demo and scripts/test where a package is missing and nobody may install it: they name it, and change nothing.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"

# dpkg-query as on a machine that lacks two packages; a sudo that refuses.
mkdir "$WORK/bin"
cat >"$WORK/bin/dpkg-query" <<'SH'
#!/bin/sh
for name; do :; done
case $name in libinih-dev | pgbouncer) exit 1 ;; esac
echo installed
SH
printf '#!/bin/sh\nexit 1\n' >"$WORK/bin/sudo"
chmod -R 755 "$WORK/bin"
mkdir "$WORK/a clone"
cp -R "$BELAY_SOURCE/scripts" "$WORK/a clone/"
chmod -R a+rX "$WORK/a clone"

# As somebody who is not root.
as_anyone() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid nobody --regid nogroup --clear-groups env PATH="$WORK/bin:$PATH" "$@"
    else
        env PATH="$WORK/bin:$PATH" "$@"
    fi
}

begin "with a terminal, sudo may ask for its password"
printf '#!/bin/sh\ncase $1 in -v) exit 0 ;; *) exit 1 ;; esac\n' >"$WORK/bin/sudo"
as_anyone /usr/bin/python3 "$BELAY_SOURCE/tests/support/type.py" "" "$WORK/a clone/scripts/demo" >"$OUT" 2>"$ERR" </dev/null &&
    fail "it went on"
out_has "installing libinih-dev pgbouncer"
printf '#!/bin/sh\nexit 1\n' >"$WORK/bin/sudo"

for script in demo test; do
    begin "scripts/$script names what is missing, exactly"
    status=0
    LAST="scripts/$script"
    as_anyone "$WORK/a clone/scripts/$script" >"$OUT" 2>"$ERR" </dev/null || status=$?
    equals "status" "$status" 1
    equals "the list" "$(grep '^  ' "$ERR" | tr -d ' ' | paste -sd' ')" "libinih-dev pgbouncer"
    err_has "apt-get install libinih-dev pgbouncer"
    [ ! -e "$WORK/a clone/build" ] || fail "it went on"
done
