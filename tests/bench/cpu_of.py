#!/usr/bin/env python3
"""CPU seconds and peak memory of one process: cpu_of.py OUT [--children] -- COMMAND...

The command's own user and system time are read from /proc while it is a zombie, before it is
reaped: what it has spent on waited-for children stands in other fields there, which count only
with --children (a profiler's child is the program, a reader's child does a part of its work).
"""
import os
import sys
import time

out, dashes = sys.argv[1], sys.argv.index("--")
with_children, command = "--children" in sys.argv[2:dashes], sys.argv[dashes + 1:]
pid = os.fork()
if pid == 0:
    os.execvp(command[0], command)
peak = 0
while True:
    try:
        with open(f"/proc/{pid}/status") as status:
            text = status.read()
        for line in text.splitlines():
            if line.startswith("VmHWM:"):
                peak = max(peak, int(line.split()[1]))
        if "State:\tZ" in text:
            break
    except OSError:
        break
    time.sleep(0.02)
with open(f"/proc/{pid}/stat") as stat:
    fields = stat.read().rsplit(")", 1)[1].split()
ticks = os.sysconf("SC_CLK_TCK")
seconds = sum(int(field) for field in fields[11:15 if with_children else 13]) / ticks
_, status = os.waitpid(pid, 0)
with open(out, "w") as file:
    file.write(f"{seconds} {peak}\n")
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
