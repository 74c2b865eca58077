#!/bin/bash
# The link that the tests of what is remote go through (support/link.c) does what it says: bytes unchanged both ways, at
# least its delay but no loss of throughput by it, a rate, a cut after exactly so many bytes, and its commands.
source "${BELAY_SOURCE:?}/tests/support/lib.sh"
source "$BELAY_SOURCE/tests/support/ssh_lib.sh"

# The host behind the link: sends back what it gets; its second port takes everything and tells how much when the connection ends.
cat >"$WORK/host.py" <<'PYTHON'
import os, socket, sys, threading
def serve(port_file, talk):
    listener = socket.create_server(("127.0.0.1", 0))
    with open(port_file + ".new", "w") as file:
        file.write(str(listener.getsockname()[1]))
    os.rename(port_file + ".new", port_file)
    def loop():
        while True:
            threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()
    threading.Thread(target=loop).start()
def echo(peer):
    try:
        while data := peer.recv(1 << 18):
            peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
    except OSError:
        pass
def swallow(peer):
    total, end = 0, "end"
    try:
        while data := peer.recv(1 << 18):
            total += len(data)
    except ConnectionResetError:
        end = "reset"
    print(total, end, flush=True)
serve(sys.argv[1] + "/echo", echo)
serve(sys.argv[1] + "/sink", swallow)
PYTHON
python3 "$WORK/host.py" "$WORK" >>"$WORK/swallowed" &
wait_until test -s "$WORK/echo"
wait_until test -s "$WORK/sink"
cat >"$WORK/client.py" <<'PYTHON'
# talk MB PORT: that much out and back, compared; prints seconds.  ping PORT: seconds of one byte's way out and back.
# pour PORT: until the connection is reset.  hold PORT: connects, says so, and tells how the connection ended.
# try PORT: connects and tells how that ended.
import hashlib, random, socket, sys, threading, time
def connect(port):
    return socket.create_connection(("127.0.0.1", int(port)), timeout=60)
def talk(megabytes, port):
    peer, block = connect(port), random.Random(1).randbytes(1 << 20)
    sent, got, total = hashlib.sha256(), hashlib.sha256(), 0
    begin = time.monotonic()
    def send():
        for i in range(int(megabytes)):
            data = i.to_bytes(4, "big") + block[4:]
            sent.update(data)
            peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send)
    sender.start()
    while data := peer.recv(1 << 18):
        got.update(data)
        total += len(data)
    sender.join()
    assert total == int(megabytes) << 20 and sent.digest() == got.digest(), f"{total} bytes came back"
    print(time.monotonic() - begin)
def ping(port):
    peer = connect(port)
    begin = time.monotonic()
    peer.sendall(b"x")
    assert peer.recv(1) == b"x"
    print(time.monotonic() - begin)
def pour(port):
    peer = connect(port)
    try:
        while True:
            peer.sendall(bytes(30000))
    except OSError as error:
        print(type(error).__name__)
def hold(port):
    peer = connect(port)
    peer.sendall(b"x")
    peer.recv(1)
    print("connected", flush=True)
    try:
        print("end" if peer.recv(1) == b"" else "data")
    except ConnectionResetError:
        print("reset")
def attempt(port):
    try:
        peer = connect(port)
        peer.sendall(b"x")
        peer.settimeout(0.5)
        print("data" if peer.recv(1) else "end")
    except TimeoutError:
        print("silence")
    except ConnectionError:
        print("reset")
{"talk": talk, "ping": ping, "pour": pour, "hold": hold, "try": attempt}[sys.argv[1]](*sys.argv[2:])
PYTHON
client() { python3 "$WORK/client.py" "$@" || fail "client $*"; }
# between WHAT VALUE LOW HIGH
between() {
    awk -v v="$2" -v low="$3" -v high="$4" 'BEGIN { exit !(v >= low && v <= high) }' || fail "$1: $2, expected $3 to $4"
}

begin "50 MB both ways, unchanged"
start_link plain 127.0.0.1 "$(cat "$WORK/echo")"
client talk 50 "${LINK_PORT[plain]}" >"$WORK/seconds"
echo "  50 MB out and back in $(cat "$WORK/seconds") s"
link plain count
equals "count" "$(tail -n 1 "$WORK/link-plain/said")" "count: 52428800 up, 52428800 down, 0 connections"

begin "a delay of 50 ms each way delays, and does not limit the throughput"
start_link slow 127.0.0.1 "$(cat "$WORK/echo")" --delay-ms 50
seconds=$(client ping "${LINK_PORT[slow]}")
between "a byte's way out and back, seconds" "$seconds" 0.1 20
client talk 50 "${LINK_PORT[slow]}" >"$WORK/seconds"
echo "  a byte out and back in $seconds s, 50 MB in $(cat "$WORK/seconds") s"
between "50 MB out and back with the delay, seconds" "$(cat "$WORK/seconds")" 0.1 30
link slow "delay 200"
between "after a change of the delay, seconds" "$(client ping "${LINK_PORT[slow]}")" 0.4 20

begin "a rate limits"
link plain "rate 10000000"
between "5 MB at 10 MB/s, seconds" "$(client talk 5 "${LINK_PORT[plain]}")" 0.45 30
link plain "rate 0"

begin "cut after exactly so many bytes"
for bytes in 1 65537 10000001; do
    : >"$WORK/swallowed"
    start_link "cut$bytes" 127.0.0.1 "$(cat "$WORK/sink")" --cut-after "up:$bytes"
    client pour "${LINK_PORT[cut$bytes]}" >"$WORK/poured"
    wait_until test -s "$WORK/swallowed"
    equals "what arrived" "$(cat "$WORK/swallowed")" "$bytes reset"
    grep -qE '^(ConnectionResetError|BrokenPipeError)$' "$WORK/poured" || fail "the client saw $(cat "$WORK/poured")"
done
: >"$WORK/swallowed"
link cut1 "cut-after 5000"
client pour "${LINK_PORT[cut1]}" >"$WORK/poured"
wait_until test -s "$WORK/swallowed"
equals "what arrived after a command" "$(cat "$WORK/swallowed")" "5000 reset"

begin "cut, stall, resume, refuse"
client hold "${LINK_PORT[plain]}" >"$WORK/held" &
holder=$!
wait_until grep -q connected "$WORK/held"
link plain cut
wait "$holder"
equals "a connection that is cut" "$(tail -n 1 "$WORK/held")" reset
equals "the next one" "$(client try "${LINK_PORT[plain]}")" data
client hold "${LINK_PORT[plain]}" >"$WORK/held_on" &
holder=$!
wait_until grep -q connected "$WORK/held_on"
link plain stall
equals "a connection to a link that stalls" "$(client try "${LINK_PORT[plain]}")" silence
equals "who held on" "$(cat "$WORK/held_on")" connected
link plain resume
equals "after resume" "$(client try "${LINK_PORT[plain]}")" data
link plain refuse
grep -qE '^(end|reset)$' <<<"$(client try "${LINK_PORT[plain]}")" || fail "a link that refuses talked"
equals "who held on" "$(cat "$WORK/held_on")" connected
link plain resume
equals "after resume" "$(client try "${LINK_PORT[plain]}")" data
stop_link plain
wait "$holder"
grep -qE '^(end|reset)$' <<<"$(tail -n 1 "$WORK/held_on")" || fail "the connection outlived its link"
link slow "cut-after 0" "unknown: cut-after 0"

begin "nothing on the host's port resets the client"
start_link nowhere 127.0.0.1 1
equals "a link to nowhere" "$(client try "${LINK_PORT[nowhere]}")" reset
