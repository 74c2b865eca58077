#!/usr/bin/env python3
"""A proxy on a unix socket that loses the answer to a COMMIT: cut_commit.py LISTEN SERVER [TEXT [before] [forget]].

Passes everything on, until a simple query that ends in COMMIT and holds TEXT (default "belay.ledger") goes by: that query
reaches the server, and once the server has answered, the client's connection is closed without the answer; with
"before" it is closed without the query having reached the server. Later connections pass unharmed; with "forget" the
server no longer knows what became of a single transaction (pg_xact_status answers NULL).
"""
import select, sys, threading

sys.dont_write_bytecode = True
import unix_proxy

listen_path, server_path = sys.argv[1], sys.argv[2]
text = (sys.argv[3] if len(sys.argv) > 3 else "belay.ledger").encode()
before = "before" in sys.argv[4:]
forget = "forget" in sys.argv[4:]
question = b"pg_catalog.pg_xact_status($1::pg_catalog.xid8)"
no_answer = b"NULLIF($1::text, $1::text)".ljust(len(question))
cut_done = threading.Event()


def serve(client):
    server = unix_proxy.connect(server_path)
    cutting = False
    while True:
        ready, _, _ = select.select([client, server], [], [])
        for source in ready:
            data = source.recv(65536)
            if source is client and data[:1] == b"Q" and text in data and b"COMMIT" in data:
                if not cut_done.is_set():
                    cut_done.set()
                    cutting = True
            if not data or (cutting and (source is server or before)):
                client.close()
                server.close()
                return
            if source is client and forget:
                data = data.replace(question, no_answer)
            (server if source is client else client).sendall(data)


unix_proxy.run(listen_path, serve)
