#!/bin/bash
# A role that is no superuser restores what it may restore, with every owner and right as before; what it could not is
# refused before anything is changed.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/deploy_lib.sh"
start_cluster
[ "$(sql postgres "SHOW server_version_num")" -ge 150000 ] || skip "up to 14 the schema public of a new database is a superuser's"
sql postgres 'CREATE ROLE deployer LOGIN CREATEDB' 'CREATE ROLE app' 'CREATE ROLE other' 'GRANT app, pg_signal_backend TO deployer'

# bank_with SQL: a database of deployer's; what the administrator adds; a pending revision that commits half of its work.
bank_with() {
    local name
    for name in $(databases); do sql postgres "DROP DATABASE $name"; done
    cd "$WORK"
    rm -rf "$WORK/project"
    PROJECT_KEYS=$'gate = rename\nway_back = verified' make_empty_project bank staging
    sed -i 's/^user = .*/user = deployer/' belay.ini
    sql postgres "ALTER DATABASE bank OWNER TO deployer"
    PGUSER=deployer sql bank "CREATE TABLE accounts (id integer PRIMARY KEY)" "INSERT INTO accounts SELECT generate_series(1, 100)"
    sql bank "$@"
    add_migration aaaa00000001 "" "Nothing" >"$WORK/file" <<<'-- belay: upgrade'
    belay 0 upgrade head
    add_migration aaaa00000002 aaaa00000001 "Commit half" "Transaction: no" >"$WORK/file" <<'SQL'
DELETE FROM accounts WHERE id > 50;
SELECT 1 / 0;
SQL
    before=$(all_of bank)
}

all_of() {
    schema_of "$1" --create --exclude-schema=belay
    data_hash "$1"
}

same() {
    diff <(echo "$before") <(all_of bank) >"$WORK/diff" || fail "differs: $(head -20 "$WORK/diff")"
    tidy
}

begin "owners that may create in the schema, may no longer, and never could"
bank_with "GRANT CREATE ON SCHEMA public TO app" \
    "CREATE TABLE of_app (id serial PRIMARY KEY)" "ALTER TABLE of_app OWNER TO app" "INSERT INTO of_app SELECT FROM generate_series(1, 5)" \
    "CREATE STATISTICS of_app_stats ON (id + 1) FROM of_app" "ALTER STATISTICS of_app_stats OWNER TO app" \
    "CREATE SCHEMA closed AUTHORIZATION app" "CREATE TABLE closed.things (id integer)" "ALTER TABLE closed.things OWNER TO deployer" \
    "CREATE FUNCTION closed.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'" "ALTER FUNCTION closed.f OWNER TO app" \
    "REVOKE CREATE ON SCHEMA closed FROM app" \
    "CREATE PUBLICATION few FOR TABLE of_app" "ALTER PUBLICATION few OWNER TO app"
belay 4 deploy
same
sql bank "REVOKE CREATE ON SCHEMA public FROM app"
before=$(all_of bank)
belay 4 deploy
same

begin "a right that another role granted: tried before the migration, refused, nothing left"
bank_with "GRANT SELECT ON accounts TO other WITH GRANT OPTION" "SET ROLE other; GRANT SELECT ON accounts TO app"
belay 3 deploy
err_has "TABLE accounts"
err_has "way_back = twin"
same
sed -i 's/^way_back = .*/way_back = twin/' belay.ini
belay 4 deploy
same

begin "rights on the database that another role gave: by a twin, a snapshot, and by hand from the snapshot"
grants=("REVOKE ALL ON DATABASE bank FROM PUBLIC" "GRANT CONNECT, TEMPORARY ON DATABASE bank TO app WITH GRANT OPTION"
    "SET ROLE app; GRANT CONNECT ON DATABASE bank TO other WITH GRANT OPTION; RESET ROLE")
acl() { sql postgres "SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM pg_database, unnest(datacl) a WHERE datname = '$1'"; }
bank_with "${grants[@]}"
grep -q "other=c\*/app" <<<"$(acl bank)" || fail "no right that app gave: $(acl bank)"
belay 4 deploy
err_lacks "come back as given by the owner"
same
sed -i 's/^way_back = .*/way_back = twin/' belay.ini
belay 4 deploy
same
id=$(basename "$(newest backups '*.tar')" .tar)
mkdir "$WORK/by hand"
tar -xf "backups/dev/$id.tar" -C "$WORK/by hand"
(cd "$WORK/by hand" && sh restore.sh byhand) >"$OUT" 2>"$ERR" || fail "restore.sh"
equals "rights" "$(acl byhand)" "$(acl bank)"
sql postgres "DROP DATABASE byhand"

begin "a giver whom this role cannot become: named, and the right comes back as the owner's"
bank_with "${grants[@]}" "SET ROLE other; GRANT CONNECT ON DATABASE bank TO pg_monitor"
belay 0 preflight
out_has "rights on the database that other gave come back as given by the owner"
out_has 'GRANT "other" TO this role'
belay 4 deploy
err_has "rights on the database that other gave come back as given by the owner"
equals "rights" "$(acl bank)" "app=T*c*/deployer deployer=CTc/deployer other=c*/app pg_monitor=c/deployer"

begin "pre-flight names owners of every kind of object"
bank_with "ALTER SCHEMA public OWNER TO other" "GRANT CREATE ON SCHEMA public TO deployer" "CREATE COLLATION german (provider = icu, locale = 'de')" \
    "ALTER COLLATION german OWNER TO other" "CREATE PUBLICATION theirs" "ALTER PUBLICATION theirs OWNER TO other"
belay 3 preflight
err_has "collation german"
err_has "publication theirs"
err_has "schema public"
