#!/bin/bash
# Roles that a server lacks: recorded in the snapshot, created with --create-roles, never with more power than that is said.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
start_cluster
make_empty_project
attributes="rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil, rolpassword IS NULL"
sql postgres "CREATE ROLE staff NOINHERIT" "CREATE ROLE readers IN ROLE staff" "CREATE ROLE \"Odd 'one\" LOGIN CONNECTION LIMIT 3 VALID UNTIL '2040-01-01' PASSWORD 'secret'" \
    "CREATE ROLE boss SUPERUSER BYPASSRLS CREATEROLE LOGIN" "CREATE ROLE helper IN ROLE boss, pg_write_server_files" "CREATE ROLE stranger LOGIN" \
    "GRANT readers TO \"Odd 'one\" WITH ADMIN OPTION" "ALTER DATABASE bank OWNER TO readers"
sql bank "CREATE TABLE a (id int)" "INSERT INTO a SELECT generate_series(1, 10)" "CREATE TABLE b (id int)" "CREATE TABLE c (id int)" \
    "ALTER TABLE a OWNER TO \"Odd 'one\"" "ALTER TABLE b OWNER TO boss" "GRANT SELECT ON c TO helper"
sql postgres "ALTER ROLE \"Odd 'one\" SET search_path = \"\$user\", 'some schema'" "ALTER ROLE \"Odd 'one\" SET work_mem = '7MB'" \
    "ALTER ROLE boss SET session_preload_libraries = ''" "ALTER ROLE helper SET log_min_messages = error"
settings() {
    sql postgres "SELECT setconfig FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = setrole WHERE rolname = '$1' AND setdatabase = 0"
}
odd_settings=$(settings "Odd ''one")
schema=$(schema_hash bank)
wanted=$(sql postgres "SELECT $attributes FROM pg_authid WHERE rolname = 'Odd ''one'" | sed 's/f$/t/')
members=$(sql postgres "SELECT roleid::regrole, member::regrole, admin_option FROM pg_auth_members WHERE roleid::regrole::text IN ('staff', 'readers') ORDER BY roleid::regrole::text")
belay 0 snapshot --json
id=$(json id)

begin "the header records them, and nobody else"
tar -xOf "backups/dev/$id.tar" header.json >"$OUT"
json_is roles.length 6
equals "names" "$(python3 -c 'import json, sys; print(",".join(r["name"] for r in json.load(open(sys.argv[1]))["roles"]))' "$OUT")" "Odd 'one,boss,helper,postgres,readers,staff"
json_is roles.0.connection_limit 3
json_is roles.1.superuser true
json_is roles.0.settings.1 work_mem=7MB
! grep -q SCRAM "$OUT" || fail "a password's hash in the header"
belay 0 snapshots show "$id" --json
json_is roles.1 boss
json_is database bank
json_is extensions '[]'
sql postgres 'CREATE ROLE "two
lines"'
sql bank 'GRANT SELECT ON b TO "two
lines"'
belay 0 snapshot --json
belay 0 snapshots show "$(json id)"
out_has 'two\nlines'
! grep -qx 'lines.*' "$OUT" || fail "a name takes two lines"
sql bank 'DROP OWNED BY "two
lines"' 'DROP ROLE "two
lines"'
drop_all() {
    sql postgres "DROP DATABASE IF EXISTS bank" "DROP ROLE IF EXISTS \"Odd 'one\"" "DROP ROLE IF EXISTS helper" "DROP ROLE IF EXISTS boss" "DROP ROLE IF EXISTS readers" "DROP ROLE IF EXISTS staff" 2>/dev/null
}

begin "they are reported before anything starts"
drop_all
belay 3 restore "$id" --yes
err_has "lacks"
err_has "boss"
err_has "--create-roles"
equals "databases" "$(databases)" ""

begin "they are created, without passwords and without power"
belay 0 restore "$id" --yes --create-roles
err_has "a guess from the time that the snapshot took"
err_has "created role Odd 'one, without a password"
err_has 'role boss was SUPERUSER where the snapshot was taken and is not here; if it is to be: ALTER ROLE "boss" SUPERUSER'
err_has "ALTER ROLE \"boss\" BYPASSRLS"
err_has "role helper was a member of pg_write_server_files and is not here"
equals "schema" "$(schema_hash bank --exclude-table=alembic_version)" "$schema"
equals "attributes" "$(sql postgres "SELECT $attributes FROM pg_authid WHERE rolname = 'Odd ''one'")" "$wanted"
equals "memberships" "$(sql postgres "SELECT roleid::regrole, member::regrole, admin_option FROM pg_auth_members WHERE roleid::regrole::text IN ('staff', 'readers') ORDER BY roleid::regrole::text")" "$members"
sql_is postgres "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = 'boss'" "f|f|f"
sql_is postgres "SELECT rolinherit FROM pg_roles WHERE rolname = 'staff'" f
equals "settings" "$(settings "Odd ''one")" "$odd_settings"
equals "settings of superusers" "$(settings helper)" "{log_min_messages=error}"
! grep -q "other settings" "$ERR" || fail "settings are missed that are there"
sql_is postgres "SELECT count(*) FROM pg_roles WHERE rolname = 'helper' AND pg_has_role(oid, 'pg_write_server_files', 'MEMBER')" 0
sql_is postgres "SELECT datdba::regrole FROM pg_database WHERE datname = 'bank'" readers

begin "what a role lacks in settings is named, and not given to one that exists"
sql postgres "ALTER ROLE \"Odd 'one\" SET work_mem = '8MB'" "ALTER ROLE \"Odd 'one\" RESET search_path"
belay 0 prove "$id"
err_has "role Odd 'one had other settings where the snapshot was taken; if it is to have them here: ALTER ROLE \"Odd 'one\" SET \"search_path\" TO '\$user', 'some schema'; ALTER ROLE \"Odd 'one\" SET \"work_mem\" TO '7MB'"
equals "settings" "$(settings "Odd ''one")" "{work_mem=8MB}"

begin "no membership in a superuser; what exists is left alone"
sql bank "REVOKE SELECT ON c FROM helper"
sql postgres "DROP ROLE helper" "ALTER ROLE boss SUPERUSER" "ALTER ROLE staff CREATEDB"
belay 0 restore "$id" --yes --create-roles
err_has "role helper was a member of boss and is not here; if it is to be: GRANT \"boss\" TO \"helper\""
sql_is postgres "SELECT count(*) FROM pg_auth_members WHERE member = 'helper'::regrole" 0
sql_is postgres "SELECT rolcreatedb FROM pg_roles WHERE rolname = 'staff'" t

begin "prove and rehearse take the option; role_map comes first"
for database in $(databases); do sql postgres "DROP DATABASE \"$database\""; done
drop_all
belay 3 prove "$id"
belay 0 prove "$id" --create-roles
sql_is postgres "SELECT rolsuper FROM pg_roles WHERE rolname = 'boss'" f
drop_all
sed -i 's/^store = local/&\nrole_map = boss=chief/' belay.ini
belay 0 rehearse --create-roles
sql_is postgres "SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolname IN ('boss', 'chief')" chief
equals "databases" "$(databases)" ""

begin "a role without the right to create others is told before"
sql postgres "DROP ROLE chief" "CREATE ROLE clerk LOGIN CREATEDB" "GRANT readers, \"Odd 'one\", helper TO clerk"
sed -i 's/^user = .*/user = clerk/' belay.ini
belay 3 restore "$id" --yes --create-roles
err_has "this role may not create the roles that the server lacks: chief"
