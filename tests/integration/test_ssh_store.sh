#!/bin/bash
# The store on another host, as such: what store/store.h promises, on a real sshd, over lines that are long, cut or gone.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"
driver=${BELAY_TESTS:?}/store_driver
start_sshd far
start_sshd plain --sftp "$SFTP_PLAIN"
start_link line 127.0.0.1 "${SSH_PORT[far]}" --delay-ms 5
ssh_alias byline far "Port ${LINK_PORT[line]}" "HostKeyAlias [127.0.0.1]:${SSH_PORT[far]}"
far=$WORK/far
head -c 30000000 /dev/urandom >"$WORK/noise"

# store STATUS WORDS...
store() {
    local expected=$1 status=0
    shift
    LAST="store_driver $*"
    "$driver" "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
    [ "$status" -eq "$expected" ] || fail "\`$LAST\` ended with status $status, expected $expected"
}
same() {
    cmp -s "$1" "$2" || fail "$1 and $2 differ"
}

begin "files are written whole and private, and read by several at once"
store 0 "sftp://far$far" put "$WORK/noise" dev/a.tar.part
same "$WORK/noise" "$far/dev/a.tar.part"
equals "mode of a file" "$(stat -c %a "$far/dev/a.tar.part")" 600
equals "mode of the folders" "$(stat -c %a "$far" "$far/dev" | paste -sd' ')" "700 700"
for readers in 1 7; do
    store 0 "sftp://far$far" get dev/a.tar.part "$WORK/got" "$readers"
    same "$WORK/noise" "$WORK/got"
done
: >"$far/dev/empty"
store 0 "sftp://far$far" get dev/empty "$WORK/got"
same "$far/dev/empty" "$WORK/got"
store 0 "sftp://far$far" put "$WORK/noise" dev/a.tar.part
same "$WORK/noise" "$far/dev/a.tar.part"

begin "journals grow, and every line is there when it was said to be synced"
store 0 "sftp://far$far" append dev/runs/1/journal.ndjson one two
store 0 "sftp://far$far" append dev/runs/1/journal.ndjson three
equals "journal" "$(paste -sd' ' "$far/dev/runs/1/journal.ndjson")" "one two three"

begin "a small file is replaced at once; with a server that cannot, too"
for name in far plain; do
    for text in first second; do store 0 "sftp://$name$WORK/$name" replace dev/report.json $text; done
    equals "on $name" "$(cat "$WORK/$name/dev/report.json")" second
    [ ! -e "$WORK/$name/dev/report.json.part" ] || fail "a .part is left on $name"
    store 0 "sftp://$name$WORK/$name" rename dev/report.json dev/moved/report.json
    store 1 "sftp://$name$WORK/$name" rename dev/report.json dev/moved/report.json
    grep -q "^not_found: " "$ERR" || fail "a missing file was renamed"
    store 0 "sftp://$name$WORK/$name" remove dev/moved/report.json
    store 0 "sftp://$name$WORK/$name" remove dev/moved/report.json
    store 0 "sftp://$name$WORK/$name" remove dev/nowhere/report.json
done
store 0 "sftp://far$far" caveat
out_is none
store 0 "sftp://far$far" space
[ "$(cat "$OUT")" -lt 100000000000000 ] || fail "the free space is not known"

begin "a server without extensions does the same, and what it cannot promise is known"
store 0 "sftp://plain$WORK/plain" put "$WORK/noise" dev/a.tar.part
same "$WORK/noise" "$WORK/plain/dev/a.tar.part"
store 0 "sftp://plain$WORK/plain" get dev/a.tar.part "$WORK/got" 3
same "$WORK/noise" "$WORK/got"
store 0 "sftp://plain$WORK/plain" append j one two
store 0 "sftp://plain$WORK/plain" append j three
equals "journal" "$(paste -sd' ' "$WORK/plain/j")" "one two three"
store 0 "sftp://plain$WORK/plain" caveat
out_has "no fsync@openssh.com"
store 0 "sftp://plain$WORK/plain" space
out_is 18446744073709551615

begin "who writes holds the name, and for a while longer, by the server's clock"
store 0 "sftp://far$far" held dev/a.tar.part
out_is held
touch -d "16 minutes ago" "$far/dev/a.tar.part"
store 0 "sftp://far$far" held dev/a.tar.part
out_is free
store 0 "sftp://far$far" held dev/nowhere.part
out_is free
equals "files of a moment" "$(find "$far" -name '*.clock.part')" ""

begin "nothing leads out of the store, and nothing hangs"
mkfifo "$far/fifo"
ln -s "$WORK" "$far/out"
ln -s "$WORK/noise" "$far/link"
store 1 "sftp://far$far" get fifo "$WORK/got"
err_has "is not a regular file"
for name in out/noise link; do
    store 1 "sftp://far$far" get $name "$WORK/got"
    err_has "links inside a store are not followed"
done
store 1 "sftp://far$far" put "$WORK/noise" out/other
[ ! -e "$WORK/other" ] || fail "written through a link"
store 1 "sftp://far$far" append link more
store 0 "sftp://far$far" replace link mine
equals "the link's place" "$(cat "$far/link")" mine
same "$WORK/noise" "$far/dev/a.tar.part"
store 1 "sftp://far$far" get ../noise "$WORK/got"
store 1 "sftp://far$far" list ../
store 0 "sftp://far$far" list ""
out_lacks out/
out_lacks fifo
rm "$far/fifo" "$far/out"

begin "the URL: an own folder, escapes, and no password"
store 0 "sftp://far$WORK/with%20space/" replace a x
[ -e "$WORK/with space/a" ] || fail "%20 is no space"
store 1 "sftp://someone:tell-no-one@far/x" list ""
err_has "the URL of the store has a password in it"
err_has "ssh_password"
err_lacks tell-no-one
store 1 "sftp://far" list ""
err_has "has no path"

begin "10,000 files in 200 folders are listed quickly, over a long line too"
mkdir -p "$far/many"
for i in $(seq 1 200); do mkdir "$far/many/run$i" && (cd "$far/many/run$i" && touch f{1..50}.tar); done
link line "delay 50"
started=$SECONDS
store 0 "sftp://byline$far" list many/
equals "files" "$(wc -l <"$OUT")" 10000
sort -c "$OUT" || fail "not sorted"
# One folder after the other would take 200 times four round trips of 100 ms.
[ $((SECONDS - started)) -lt 40 ] || fail "listed in $((SECONDS - started)) s"
store 0 "sftp://byline$far" list many/run19
equals "files below a prefix" "$(wc -l <"$OUT")" $((50 * 11))
store 0 "sftp://byline$far" folders many
equals "folders" "$(wc -l <"$OUT")" 200
rm -rf "$far/many"
link line "delay 5"

begin "an upload that is cut goes on where it was"
for after in 3000000 17000000; do
    rm -f "$far/dev/cut.part"
    link line "cut-after up:$after"
    store 0 "sftp://byline$far" put "$WORK/noise" dev/cut.part
    same "$WORK/noise" "$far/dev/cut.part"
done
link line count
passed=$(tail -n 1 "$WORK/link-line/said" | sed 's/^count: \([0-9]*\) up.*/\1/')
# Twice the file, and what was under way at the two cuts.
[ "$passed" -lt 72000000 ] || fail "$passed bytes went up, so it began from the front"

begin "so does reading, by several at once"
link line "cut-after down:9000000"
store 0 "sftp://byline$far" get dev/a.tar.part "$WORK/got" 3
same "$WORK/noise" "$WORK/got"

begin "a server that is away for a moment"
link line refuse
(sleep 2 && link line resume) &
store 0 "sftp://byline$far" replace dev/later "was away"
wait $!
equals "file" "$(cat "$far/dev/later")" "was away"

begin "each line of a journal is there once, whatever happened between"
seq -f "line %g" 1 80 >"$WORK/lines"
mapfile -t lines <"$WORK/lines"
"$driver" "sftp://byline$far" append dev/cut.ndjson "${lines[@]}" >"$OUT" 2>"$ERR" </dev/null &
writer=$!
for at in 10 25 40; do
    wait_until grep -qx "synced line $at" "$OUT"
    if [ $at = 25 ]; then kill_sshd_sessions far; else link line cut; fi
done
wait $writer || fail "the journal could not be written"
same "$WORK/lines" "$far/dev/cut.ndjson"

begin "a connection that was idle, and was lost meanwhile or not"
"$driver" "sftp://byline$far" append dev/idle.ndjson one @17 two @17 three >"$OUT" 2>"$ERR" </dev/null &
writer=$!
wait_until grep -qx "synced two" "$OUT"
link line cut
wait $writer || fail "the journal could not be written"
equals "journal" "$(paste -sd' ' "$far/dev/idle.ndjson")" "one two three"

begin "what another machine wrote into a journal meanwhile is left alone"
for seconds in 2 3 17; do # lost; not lost; idle, and not lost
    for text in x "a longer record of another one"; do
        : >"$OUT" # what the last one said is not this one's
        "$driver" "sftp://byline$far" append dev/taken.ndjson one @$seconds two >"$OUT" 2>"$ERR" </dev/null &
        writer=$!
        wait_until grep -qx "synced one" "$OUT"
        echo "$text" >>"$far/dev/taken.ndjson"
        [ $seconds != 2 ] || link line cut
        status=0
        wait $writer || status=$?
        equals "status" $status 1
        err_has "somebody else has written"
        equals "journal" "$(paste -sd, "$far/dev/taken.ndjson")" "one,$text"
        rm "$far/dev/taken.ndjson"
    done
done

begin "a server that takes the next connection, and then says nothing on it, is tried again"
cat >"$WORK/sftp-server" <<SH
#!/bin/sh
echo >>"$WORK/sessions"
if [ "\$(wc -l <"$WORK/sessions")" -eq 2 ]; then
    while read -r silent; do :; done
    exit 1
fi
exec /usr/lib/openssh/sftp-server
SH
chmod 755 "$WORK/sftp-server"
start_sshd halting --sftp "$WORK/sftp-server"
start_link halts 127.0.0.1 "${SSH_PORT[halting]}"
ssh_alias byhalts halting "Port ${LINK_PORT[halts]}" "HostKeyAlias [127.0.0.1]:${SSH_PORT[halting]}"
link halts "cut-after up:3000000"
store 0 "sftp://byhalts$WORK/halting" put "$WORK/noise" a.part
same "$WORK/noise" "$WORK/halting/a.part"
[ "$(wc -l <"$WORK/sessions")" -ge 3 ] || fail "it was not tried again"

begin "a rename whose answer is lost has happened or not, and is called what it is"
for name in loses plainly; do
    printf '#!/bin/sh\nexec python3 %q %q %q "$@"\n' "$BELAY_SOURCE/tests/support/sftp_between.py" "$WORK/how" "$WORK/lost-$name" >"$WORK/between-$name"
    chmod 755 "$WORK/between-$name"
done
start_sshd loses --sftp "$WORK/between-loses"
start_sshd plainly --sftp "$WORK/between-plainly ${SFTP_PLAIN#internal-sftp }"
# lose NAME HOW: the next rename.
lose() {
    echo "$2" >"$WORK/how"
    echo new >"$WORK/$1/new.part"
}
for name in loses plainly; do
    store 0 "sftp://$name$WORK/$name" list ""
    for old in no yes; do
        for how in after before between late; do
            rm -f "$WORK/$name/file"
            [ $old = no ] || echo longer than the new one >"$WORK/$name/file"
            # Who links does not get that far with a name that is taken, and where it may be, does not do it by links.
            if [ $how = between ] && { [ $old = yes ] || [ $name = loses ]; }; then continue; fi
            lose $name $how
            store 0 "sftp://$name$WORK/$name" rename new.part file
            equals "$name, $how, old $old" "$(cat "$WORK/$name/file")" new
            [ ! -e "$WORK/$name/new.part" ] || fail "$name, $how, old $old: the old name is there still"
            [ ! -e "$WORK/how" ] || fail "$name, $how, old $old: nothing was lost"
        done
    done
    # The new name is an older file's.
    echo longer than the new one >"$WORK/$name/file"
    lose $name removed
    store 1 "sftp://$name$WORK/$name" rename new.part file
    err_has "not_found: "
done

begin "a journal that two machines write to loses no record, and each of them notices with its next one"
journal=$WORK/loses/two.ndjson
# another WORDS...: it cannot go on, and nothing is lost but what it did not write.
another() {
    store 1 "sftp://loses$WORK/loses" append two.ndjson "$@"
    grep -q "^locked: somebody else has written" "$ERR" || fail "it is not told who wrote: $(cat "$ERR")"
}
for before in "" zero; do # its first record, and a later one
    # At once after a record of its own: no time has passed in which it would have looked.
    rm -f "$journal"
    store 0 "sftp://loses$WORK/loses" append two.ndjson begun ${before:+"$before"}
    another ${before:+one} "!echo another >>'$journal'" two
    equals "written right before" "$(grep -c another "$journal")" 1
    equals "records before" "$(grep -c -e begun -e zero -e one "$journal")" "$([ -z "$before" ] && echo 1 || echo 3)"
    # And in the moment of the write itself, which is where a look before it does not help.
    rm -f "$journal"
    store 0 "sftp://loses$WORK/loses" append two.ndjson begun
    another ${before:+one} "!echo intrude '$journal' >'$WORK/how'" two
    [ ! -e "$WORK/how" ] || fail "nobody intruded"
    equals "written meanwhile" "$(grep -c "another one's" "$journal")" 1
    grep -q '^begun$' "$journal" || fail "what was there is gone"
done

begin "a record whose connection is lost comes twice when its packet comes late, and is nobody else's"
for when in late-before late-after; do
    rm -f "$journal"
    store 0 "sftp://loses$WORK/loses" append two.ndjson one "!echo $when '$journal' >'$WORK/how'" two three four
    [ ! -e "$WORK/how" ] && [ ! -e "$WORK/lost-loses" ] || fail "nothing was late"
    equals "$when" "$(paste -sd' ' "$journal")" "one two two three four"
done

begin "a server that puts what is to be appended where it is told, or opens no file for appending, is found out, and looked at before each record"
for how in "places two" "places a longer one, of several words" "refuses two"; do
    text=${how#* }
    rm -f "$journal"
    echo "${how%% *}" >"$WORK/how"
    store 0 "sftp://loses$WORK/loses" append two.ndjson one "$text" three
    store 0 "sftp://loses$WORK/loses" append two.ndjson four
    equals "journal" "$(paste -sd, "$journal")" "one,$text,three,four"
    another five "!echo another >>'$journal'" six
    equals "journal" "$(paste -sd, "$journal")" "one,$text,three,four,five,another"
done
rm "$WORK/how"

begin "a rename that is cut anywhere"
for after in $(seq 1800 50 2550); do
    rm -f "$far/cut.tar"
    echo whole >"$far/cut.tar.part"
    link line cut
    link line "cut-after up:$after"
    store 0 "sftp://byline$far" rename cut.tar.part cut.tar
    equals "cut after $after bytes" "$(cd "$far" && echo cut.tar* && cat cut.tar)" "cut.tar
whole"
done
link line cut # the last one may have needed fewer bytes

begin "what is out of reach for good is given up, with the reason"
"$driver" --retry-ms 1500 "sftp://byline$far" append dev/gone.ndjson "${lines[@]}" >"$OUT" 2>"$ERR" </dev/null &
writer=$!
wait_until grep -qx "synced line 5" "$OUT"
link line refuse
link line cut
status=0
wait $writer || status=$?
equals "status" $status 1
err_has "given up after"
link line resume
head -n "$(wc -l <"$far/dev/gone.ndjson")" "$WORK/lines" >"$WORK/expected"
same "$WORK/expected" "$far/dev/gone.ndjson"
[ "$(wc -l <"$WORK/expected")" -ge 5 ] || fail "synced lines are missing"

begin "a full disk over there is called that"
mkdir "$WORK/small"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=8M none "$WORK/small" 2>"$ERR"; then
    status=0
    "$driver" "sftp://far$WORK/small" put "$WORK/noise" a.part >"$OUT" 2>"$ERR" </dev/null || status=$?
    umount "$WORK/small"
    equals "status" $status 1
    err_has "no_space: "
    err_has "no space is left over there"
else
    echo "  NOT RUN: this needs root's right to mount a small disk"
fi

begin "a path that is wrong"
echo x >"$WORK/afile"
store 1 "sftp://far$WORK/afile" replace a x
err_has "$WORK/afile on far is a file, and no folder"
store 1 "sftp://far$WORK/afile/below" replace a x
err_has "the folder $WORK/afile/below on far is not there, and cannot be made"
err_has "sftp://far/~/PATH"

begin "a folder that may not be written"
if [ "$(id -u)" -eq 0 ]; then
    start_sshd other --user postgres
    mkdir "$WORK/roots"
    chmod 755 "$WORK/roots"
    store 1 "sftp://other$WORK/roots" replace a x
    err_has "does not permit it"
    store 1 "sftp://other$WORK/roots/none/store" replace a x
    err_has "the server does not permit to make $WORK/roots/none"
else
    echo "  NOT RUN: root could write everywhere, and is needed to log in as another"
fi

nothing_left
