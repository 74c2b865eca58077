#!/usr/bin/env python3
"""An SFTP server that loses a rename or a write: sshd's subsystem in tests, in front of OpenSSH's sftp-server.

    sftp_between.py HOW LOST [OPTION OF SFTP-SERVER]...

HOW is a file with one word, that is acted upon once, by the next rename; then the file is removed:

  after    the rename is done, the answer and the connection are lost
  before   the connection is lost before the rename is done
  between  it is lost when the new name is there, and the old one still is (a rename is a link and an unlink)
  late     it is lost before, and done when the next session asks for a rename: just before that one
  removed  like before, and the file that was to be renamed goes, too

or by the next write:

  late-before FILE  the connection is lost before it is done, and it is appended to FILE by the next session, just before that one writes
  late-after FILE   the same, just after its write
  intrude FILE      another one's line is appended to FILE just before the write is done

or always, while the file stays:

  places       APPEND is not heeded: a write goes where it says
  refuses      to open a file with APPEND is not supported

LOST is a file that remembers what is to be done late.
"""
import os
import struct
import subprocess
import sys
import threading
import time

SERVER = "/usr/lib/openssh/sftp-server"
OPEN, WRITE, RENAME, STATUS, EXTENDED = 3, 6, 18, 101, 200
APPEND = 4
UNSUPPORTED = 8


def read_packet(stream):
    head = stream.read(4)
    if len(head) < 4:
        return None
    return head + stream.read(struct.unpack(">I", head)[0])


def strings(data):
    found = []
    while len(data) >= 4:
        size = struct.unpack(">I", data[:4])[0]
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found


def names_of(packet):
    """(from, to) of a rename, plain or of OpenSSH's extension; None of anything else."""
    words = strings(packet[9:])
    if packet[4] == RENAME:
        return words[0], words[1]
    if packet[4] == EXTENDED and words[0] == b"posix-rename@openssh.com":
        return words[1], words[2]
    return None


def lose(how, lost, names, packet, server):
    os.remove(how[0])
    if how[1] == "after":
        answered.clear()
        server.stdin.write(packet)
        server.stdin.flush()
        answered.wait(10)
    elif how[1] == "between":
        os.link(*names)
    elif how[1] == "late":
        with open(lost, "wb") as file:
            file.write(names[0] + b"\n" + names[1])
    elif how[1] == "removed":
        os.remove(names[0])
    server.kill()
    os._exit(1)


def append(path, data):
    with open(path, "ab") as file:
        file.write(data)


def place_of_flags(packet):
    return 13 + struct.unpack(">I", packet[9:13])[0]


def flags_of(packet):
    at = place_of_flags(packet)
    return struct.unpack(">I", packet[at : at + 4])[0]


def unflagged(packet):
    """The same OPEN without APPEND."""
    at = place_of_flags(packet)
    return packet[:at] + struct.pack(">I", flags_of(packet) & ~APPEND) + packet[at + 4 :]


def deny(packet):
    """The answer that it is not supported."""
    body = bytes([STATUS]) + packet[5:9] + struct.pack(">III", UNSUPPORTED, 0, 0)
    sys.stdout.buffer.write(struct.pack(">I", len(body)) + body)
    sys.stdout.buffer.flush()


def read_words(path):
    if not os.path.exists(path):
        return [""]
    with open(path) as file:
        return file.read().split()


def write_beside_late(lost, data, pass_on):
    with open(lost, "rb") as file:
        when, path, late = file.read().split(b"\n", 2)
    os.remove(lost)
    if when == b"late-before":
        append(path, late)
    size = os.path.getsize(path)
    pass_on()
    while os.path.getsize(path) < size + len(data):
        time.sleep(0.001)
    if when == b"late-after":
        append(path, late)


def pass_write(how_file, lost, packet, server):
    how = read_words(how_file)
    data = packet[9 + 4 + struct.unpack(">I", packet[9:13])[0] + 8 + 4 :]

    def pass_on():
        server.stdin.write(packet)
        server.stdin.flush()

    if os.path.exists(lost):
        write_beside_late(lost, data, pass_on)
        return
    if how[0] in ("late-before", "late-after", "intrude"):
        os.remove(how_file)
    if how[0] in ("late-before", "late-after"):
        with open(lost, "wb") as file:
            file.write(how[0].encode() + b"\n" + how[1].encode() + b"\n" + data)
        server.kill()
        os._exit(1)
    if how[0] == "intrude":
        append(how[1], b"another one's\n")
    pass_on()


def pass_answers(server):
    while (packet := read_packet(server.stdout)) is not None:
        if answered.is_set():
            sys.stdout.buffer.write(packet)
            sys.stdout.buffer.flush()
        answered.set()
    os._exit(0)


answered = threading.Event()
answered.set()


def main():
    how_file, lost = sys.argv[1], sys.argv[2]
    server = subprocess.Popen([SERVER] + sys.argv[3:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    threading.Thread(target=pass_answers, args=(server,), daemon=True).start()
    while (packet := read_packet(sys.stdin.buffer)) is not None:
        if packet[4] == WRITE:
            pass_write(sys.argv[1], lost, packet, server)
            continue
        if packet[4] == OPEN and read_words(how_file)[0] == "refuses" and flags_of(packet) & APPEND:
            deny(packet)
            continue
        if packet[4] == OPEN and read_words(how_file)[0] == "places":
            packet = unflagged(packet)
        names = names_of(packet)
        if names is not None and os.path.exists(lost):
            with open(lost, "rb") as file:
                os.rename(*file.read().split(b"\n"))
            os.remove(lost)
        elif names is not None and os.path.exists(how_file):
            with open(how_file) as file:
                lose((how_file, file.read().strip()), lost, names, packet, server)
        server.stdin.write(packet)
        server.stdin.flush()
    server.stdin.close()
    server.wait()


main()
