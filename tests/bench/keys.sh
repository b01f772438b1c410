#!/bin/bash
# How soon a key is answered while the workload uses every CPU: from the write into the terminal to
# the last byte of the picture that follows. The goal is 50 ms.
# Usage: tests/bench/keys.sh [STOKE] [KEYS]
set -u
cd "$(dirname "$0")/../.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
command -v python3 >/dev/null || { echo "SKIP keys: python3 is missing (apt-get install python3)"; exit 0; }
exec python3 - "$stoke" "${2:-60}" <<'PYTHON'
import fcntl, os, pty, select, signal, struct, sys, termios, time

stoke, n_keys = sys.argv[1], int(sys.argv[2])
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
    os.execv(stoke, ["stoke", "run", "triad", "size=64", "repeats=1e9"])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))


def drain(seconds):
    """Reads until nothing has come for so long; when the last byte came, or None."""
    last = None
    while select.select([terminal], [], [], seconds)[0]:
        if not os.read(terminal, 65536):
            break
        last = time.monotonic()
    return last


def wait_for(text, seconds):
    """Seconds from now until the text has come."""
    start, seen = time.monotonic(), b""
    while time.monotonic() - start < seconds:
        if select.select([terminal], [], [], 0.005)[0]:
            seen += os.read(terminal, 65536)
            if text in seen:
                return time.monotonic() - start
    return None


time.sleep(2)
times, missed = [], 0
views = [(b"2", b"[2 "), (b"3", b"[3 "), (b"1", b"[1 ")]
for i in range(n_keys):
    drain(0.02)
    key, text = views[i % len(views)]
    os.write(terminal, key)
    answered = wait_for(text, 2)
    if answered is None:
        missed += 1
    else:
        times.append(answered * 1e3)
    time.sleep(0.037)
os.write(terminal, b"q")
time.sleep(0.5)
os.kill(pid, signal.SIGKILL)
if not times:
    sys.exit("no key was answered")
times.sort()
print(f"keys: {len(times)} answered, median {times[len(times) // 2]:.1f} ms, "
      f"95 % within {times[int(len(times) * .95) - 1]:.1f} ms, slowest {times[-1]:.1f} ms, "
      f"{missed} not answered in 2 s")
PYTHON
