#!/usr/bin/env python3
"""An SSH agent that hangs: hung_agent.py HOW SOCKET [PUBLIC_KEY_FILE].

HOW: silent (takes connections and says nothing), full (takes no connection any more), lists (tells that it has the
key, and then signs nothing). Prints a line when it is ready.
"""
import base64
import socket
import struct
import sys

how, path = sys.argv[1], sys.argv[2]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(0 if how == "full" else 10)
waiting = []
while how == "full":
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    try:
        client.connect(path)
    except BlockingIOError:
        break
    waiting.append(client)
print("ready", flush=True)
while how != "lists":
    sys.stdin.read(1)
blob = base64.b64decode(open(sys.argv[3]).read().split()[1])
answer = bytes([12]) + struct.pack(">II", 1, len(blob)) + blob + struct.pack(">I", 0)
while True:
    client = listener.accept()[0]
    waiting.append(client)
    if not client.recv(5):  # only whether anybody is here
        continue
    client.sendall(struct.pack(">I", len(answer)) + answer)
