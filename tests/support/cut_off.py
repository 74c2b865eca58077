#!/usr/bin/env python3
"""A proxy on a unix socket that cuts clients off from their sessions: cut_off.py LISTEN SERVER.

Passes everything on. At SIGUSR1 it closes what clients have open, and keeps the server's ends: as where a network lost
both, the server goes on waiting for its clients. Later connections pass unharmed.
"""
import select, signal, socket, sys

sys.dont_write_bytecode = True
import unix_proxy

listen_path, server_path = sys.argv[1], sys.argv[2]
cuts = 0
kept = []  # the server's ends of what was cut


def cut(*_):
    global cuts
    cuts += 1


def serve(client):
    server = unix_proxy.connect(server_path)
    begun = cuts
    while True:
        ready, _, _ = select.select([client, server], [], [], 0.02)
        if cuts != begun:
            kept.append(server)
            client.shutdown(socket.SHUT_RDWR)
            client.close()
            return
        for source in ready:
            try:
                data = source.recv(65536)
                (server if source is client else client).sendall(data)
            except OSError:
                data = b""
            if not data:
                client.close()
                server.close()
                return


signal.signal(signal.SIGUSR1, cut)
unix_proxy.run(listen_path, serve)
