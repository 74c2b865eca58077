#!/usr/bin/env python3
"""A server on a unix socket that says it is PostgreSQL 13.9 and answers nothing: old_server.py LISTEN."""
import os, socket, struct, sys


def message(kind, content):
    return kind + struct.pack("!i", len(content) + 4) + content


listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
listener.listen(16)
while True:
    client, _ = listener.accept()
    client.recv(65536)
    client.sendall(message(b"R", struct.pack("!i", 0)) + message(b"S", b"server_version\0" + b"13.9\0") +
                   message(b"K", struct.pack("!ii", 4711, 1)) + message(b"Z", b"I"))
    client.recv(65536)
    client.close()
