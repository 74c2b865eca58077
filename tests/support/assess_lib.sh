# shellcheck shell=bash disable=SC2034
# What the tests of the assessment share. Sourced after deploy_lib.sh, once the project is there.

psql_here="psql -X -q -h $PGHOST -U postgres -d"
db="'host=$PGHOST user=postgres dbname=' || current_database()"

# Everything below begins from bank_before, which gets what the case needs; noise commits in another database, so that
# the server's transaction numbers alone prove nothing.
noise="dblink_exec('host=$PGHOST user=postgres dbname=postgres', 'CREATE TABLE IF NOT EXISTS t (i int); INSERT INTO t VALUES (1)')"
ways() {
    case $1 in
    twin) keys $'gate = rename\nway_back = twin\nsnapshot = no' ;;
    snapshot) keys $'gate = rename\nway_back = verified' ;;
    both) keys $'gate = rename\nway_back = twin\nsnapshot = yes' ;;
    esac
}
pending() {
    add_migration bbbb00000002 aaaa00000001 "Fail" "$@" >"$WORK/file"
}
assessed() {
    journal '"act":"assess"' "$1" || fail "the journal's assessment lacks $1"
}
