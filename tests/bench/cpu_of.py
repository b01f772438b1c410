#!/usr/bin/env python3
"""CPU seconds and peak memory of one process, without its children's: cpu_of.py OUT -- COMMAND...

The command's own user and system time are read from /proc while it is a zombie, before it is
reaped: what it has spent on waited-for children stands in other fields there.
"""
import os
import sys
import time

out, command = sys.argv[1], sys.argv[3:]
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
seconds = (int(fields[11]) + int(fields[12])) / ticks
_, status = os.waitpid(pid, 0)
with open(out, "w") as file:
    file.write(f"{seconds} {peak}\n")
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
