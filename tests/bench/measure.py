#!/usr/bin/env python3
"""Runs a command and appends what it took to a file, one JSON object a line.

    measure.py FILE NAME COMMAND...

{"name", "seconds", "cpu_seconds", "peak_kib", "stages": {name: seconds since its start}}: cpu_seconds are those of the
command and of what it started; peak_kib is VmHWM of the command itself, polled; stages are the "stage" events that belay
writes with --progress=json. The command's output goes to FILE.out and FILE.err; its status is passed on.
"""
import json
import os
import re
import subprocess
import sys
import threading
import time

results, name, command = sys.argv[1], sys.argv[2], sys.argv[3:]


def watch(pid, peak, done):
    while not done.wait(0.02):
        try:
            with open(f"/proc/{pid}/status") as status:
                found = re.search(r"VmHWM:\s+(\d+)", status.read())
        except OSError:
            return
        if found:
            peak[0] = int(found[1])


def stages_of(path):
    stages = {}
    with open(path, errors="replace") as lines:
        for line in lines:
            if line.startswith('{"event"'):
                event = json.loads(line)
                if event["event"] == "stage":
                    stages[event["name"]] = event["elapsed_ms"] / 1000
    return stages


peak, done = [0], threading.Event()
with open(results + ".out", "w") as out, open(results + ".err", "w") as err:
    start = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    watcher = threading.Thread(target=watch, args=(child.pid, peak, done))
    watcher.start()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    done.set()
    watcher.join()
code = os.waitstatus_to_exitcode(status)
with open(results, "a") as log:
    log.write(json.dumps({"name": name, "seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime,
                          "peak_kib": peak[0], "stages": stages_of(results + ".err")}) + "\n")
sys.exit(code if code >= 0 else 128 - code)
