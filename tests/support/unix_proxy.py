"""What the tests' proxies on unix sockets share: each connection is served by a thread of its own."""
import os, socket, threading


def connect(path):
    server = socket.socket(socket.AF_UNIX)
    server.connect(path)
    return server


def run(listen_path, serve):
    """Hands each client that comes to LISTEN_PATH to serve(client); never returns."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(listen_path)
    os.chmod(listen_path, 0o777)
    listener.listen(16)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()
