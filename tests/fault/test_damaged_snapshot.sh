#!/bin/bash
# A snapshot with one bit flipped, or cut, in every class of its bytes, encrypted or not: `restore` finds it before it makes
# anything. DAMAGE_PLACES, DAMAGE_SEALED_PLACES and DAMAGE_SEED say how many places and which; `verify`, `prove` and `rehearse` look at
# some of them.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
places=${DAMAGE_PLACES:-200} sealed_places=${DAMAGE_SEALED_PLACES:-39} seed=${DAMAGE_SEED:-1}
CLUSTER_CONF="log_statement = ddl" start_cluster
PROJECT_KEYS="gate = rename" make_empty_project bank staging
add_migration aaaa00000001 "" "Make tables" >"$WORK/file" <<'SQL'
CREATE TYPE mood AS ENUM ('well', 'unwell');
CREATE TABLE accounts (id integer PRIMARY KEY, owner text NOT NULL, balance numeric(12, 2) NOT NULL);
INSERT INTO accounts SELECT i, 'owner ' || i, i * 1.5 FROM generate_series(1, 3000) i;
CREATE TABLE moods (account integer REFERENCES accounts, mood mood);
INSERT INTO moods SELECT i, 'well' FROM generate_series(1, 100) i;
SELECT lo_from_bytea(0, 'a large object');
SQL
belay 0 upgrade head
belay 0 snapshot --json
take_up() {
    id=$(json id) file=$(json path)
    whole=$WORK/whole.${file##*.tar}
    cp "$file" "$whole"
}
take_up
state=$(data_hash bank)

# made: what was created on the server under a name for restores.
made() { grep -cE 'CREATE DATABASE "?bank__belay_(new|scratch)' "$(server_log)" || true; }
# found STATUS COMMAND...: the damage is told, and nothing was made. Where an own recipient's stanza was, it may look like a
# stranger's file: status 3.
found() {
    local expected=$1 status=0
    shift
    LAST="belay $*"
    "$BELAY" "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
    [ "$status" -eq "$expected" ] || { [[ $class = stanza* ]] && [ "$status" -eq 3 ]; } || fail "it ended with status $status, expected $expected"
    [ "$status" -eq 3 ] || [ "$1" != restore ] || json_is error.code archive
    grep -qE 'member |manifest|locator|byte|not a snapshot|snapshot|header is damaged' "$OUT" || fail "no word of what is damaged"
    equals "databases made" "$(made)" "$before"
}
before=$(made) # of the lint

# damage_all PLACES: each of them, one after the other, in a copy of $whole that lies in its place.
damage_all() {
    local number=0 kind class member offset bit belay_status
    while IFS=$'\t' read -r kind class member offset bit; do
        number=$((number + 1))
        CASE="place $number: $kind, $class of $member at byte $offset"
        "$BELAY_SOURCE/tests/support/damage.py" apply "$whole" "$file" "$kind" "$offset" "$bit"
        found 1 restore "$id" --yes --json
        if [ "$((number % 10))" -eq 0 ]; then
            found 7 verify "$id" --json
            found 1 prove "$id" --json
        fi
        if [ "$((number % 50))" -eq 7 ]; then
            belay_status=0
            "$BELAY" rehearse --json >"$OUT" 2>"$ERR" </dev/null || belay_status=$?
            # One that cannot be opened is no newest snapshot: the rehearsal takes another one.
            [ "$belay_status" -ne 0 ] || equals "snapshots" "$(find backups -name '*.tar*' | wc -l)" 2
            find backups -name '*.tar*' ! -path "$PWD/$file" ! -path "$file" -delete
            before=$(made)
        fi
        printf '%s %s\n' "$kind" "$class" >>"$WORK/classes"
    done < <("$BELAY_SOURCE/tests/support/damage.py" plan "$whole" "$1" "$seed")
    equals "places" "$number" "$1"
    cp "$whole" "$file"
}
damage_all "$places"

begin "nothing is left, the rows are as before, and the whole file restores"
equals "databases" "$(databases)" bank
equals "rows" "$(data_hash bank)" "$state"
! grep -rlq '"act":"restore.create"' backups/dev/runs || fail "a restore began"
belay 0 restore "$id" --yes
equals "rows" "$(data_hash bank)" "$state"

begin "an encrypted one: header, stanzas of two recipients, nonce, pieces, tags"
belay 0 key new "$WORK/ours.txt"
recipient=$(cat "$OUT")
belay 0 key new "$WORK/theirs.txt"
sed -i "s|^store = local|&\nencrypt_to = $recipient, $(cat "$OUT")\nidentity = $WORK/ours.txt|" belay.ini
rm "$file"
belay 0 snapshot --json
take_up
before=$(made)
damage_all "$sealed_places"
sort "$WORK/classes" | uniq -c
belay 0 verify "$id"
