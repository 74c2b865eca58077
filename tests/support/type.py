"""type.py ANSWER PROGRAM ARGUMENTS...: runs the program at a terminal and types ANSWER when it asks to be typed something, or
for a passphrase; after $TYPE_AFTER seconds, if that is set.
Ends with the program's status; what the terminal showed is on stdout."""
import os
import pty
import re
import sys
import time

ASKS = re.compile(rb"type (?:its name|yes):|Passphrase of [^:]*:", re.I)
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
while True:
    try:
        data = os.read(terminal, 4096)
    except OSError:
        break
    if not data:
        break
    before = len(ASKS.findall(seen))
    seen += data
    for _ in ASKS.findall(seen)[before:]:
        time.sleep(float(os.environ.get("TYPE_AFTER", 0)))
        os.write(terminal, sys.argv[1].encode() + b"\n")
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
