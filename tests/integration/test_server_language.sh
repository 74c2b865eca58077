#!/bin/bash
# A server whose lc_messages is German: what belay concludes from an error does not hang on its words.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
export LOCPATH=$WORK/locales CLUSTER_CONF="lc_messages = 'de_DE.UTF-8'"
mkdir "$LOCPATH"
localedef -i de_DE -f UTF-8 "$LOCPATH/de_DE.UTF-8" || fail "no German locale"
start_cluster
unset LOCPATH # the server has it; glibc leaks a copy of it in a program that opens a locale
make_project bank

# refused CODE SQLSTATE TEXT: what `current` says
refused() {
    belay 1 current --json
    json_is error.code "$1"
    json_is error.sqlstate "$2"
    out_has "$3"
    out_lacks LOCATION
}

begin "no such database, and one that takes no connections"
sql postgres "ALTER DATABASE bank ALLOW_CONNECTIONS false"
refused no_database 55000 "Datenbank »bank« akzeptiert"
sql postgres "DROP DATABASE bank"
refused no_database 3D000 "Datenbank »bank« existiert nicht"

begin "a wrong password, and a role that there is not"
sql postgres "CREATE ROLE clerk LOGIN PASSWORD 'secret'" "CREATE DATABASE bank OWNER clerk"
sed -i '1i local all clerk scram-sha-256' "$WORK/pg/data/pg_hba.conf"
sql postgres "SELECT pg_reload_conf()" >/dev/null
asked() { ! psql -X -d bank -U clerk -w -c '' >/dev/null 2>&1; }
wait_until asked
sed -i "s/^user = .*/user = clerk/" belay.ini
echo 'POSTGRES_PASSWORD=wrong' >.env
chmod 600 .env
refused authentication 28P01 "Passwort-Authentifizierung"
sed -i "s/^user = .*/user = nobody/" belay.ini
refused authentication 28000 "Rolle »nobody« existiert nicht"
sed -i "s/^user = .*/user = postgres/" belay.ini

begin "the row of a COPY"
belay 0 upgrade head
file=$(add_migration aaaa00000001 1da9275c8e36 "Copy" <<'SQL'
CREATE TABLE numbers (number int);
COPY numbers FROM stdin;
1
two
\.
SQL
)
line=$(grep -nx two "$file" | cut -d: -f1)
belay 1 deploy
err_has "$file:$line:"
err_has "ungültige Eingabesyntax"
err_has "untouched"
