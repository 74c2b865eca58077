"""health_server.py FILE STATUS...: a web server on a free port of 127.0.0.1, whose number goes to FILE. Answers each
request with the next status, the last one again and again; FILE.log gets a line "STATUS PATH" for each."""
import http.server
import os
import sys

path, statuses = sys.argv[1], [int(s) for s in sys.argv[2:]]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        with open(path + ".log", "a") as log:
            log.write(f"{status} {self.path}\n")
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(path + ".part", "w") as f:
    f.write(str(server.server_port))
os.rename(path + ".part", path)
server.serve_forever()
