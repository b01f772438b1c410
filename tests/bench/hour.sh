#!/bin/bash
# Does memory stay bounded? A live recording, on the screen, of a program whose stacks are nearly all
# distinct (it recurses at random), for long: resident memory of the profiler over time, what the
# overview says it holds, and the notes when something began to be left out.
# Usage: tests/bench/hour.sh [SECONDS] [STOKE] [HZ]   3600 s at 999 Hz by default
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${1:-3600}
stoke=$(realpath "${2:-build/release/stoke}")
hz=${3:-999}
command -v tmux >/dev/null || { echo "SKIP hour: tmux is missing (apt-get install tmux)"; exit 0; }
work=$(mktemp -d)
socket=stoke-hour-$$
t() { tmux -L "$socket" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; rm -rf "$work"' EXIT
export XDG_CONFIG_HOME=$work/config
cat >"$work/stacks.c" <<'C'
/* 16 functions that call each other at random, 24 deep: 16^24 stacks. */
#include <stdint.h>
static volatile double sink;
static uint64_t seed = 88172645463325252ull;
static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}
static void descend(int depth);
#define F(n)                                                                                       \
	__attribute__((noinline)) static void f##n(int depth)                                      \
	{                                                                                          \
		descend(depth);                                                                    \
		sink += n;                                                                         \
	}
F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)
static void (*const all[])(int) = { f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15 };
__attribute__((noinline)) static void descend(int depth)
{
	if (depth == 0) {
		for (int i = 0; i < 20000; i++)
			sink += i;
		return;
	}
	all[next() % 16](depth - 1);
	sink += 1;
}
int main(void)
{
	for (;;)
		descend(24);
}
C
cc -O1 -fno-optimize-sibling-calls -o "$work/stacks" "$work/stacks.c" || exit 1
t new-session -d -x 120 -y 40 "env TERM=xterm-256color LC_ALL=C.UTF-8 $stoke run -F $hz --duration ${seconds}s -- $work/stacks; sleep 2"
sleep 2
shell=$(t display-message -p -t 0 '#{pane_pid}')
pid=$(pgrep -P "$shell" -x stoke || echo "$shell")
start=$SECONDS step=$((seconds / 20 > 1 ? seconds / 20 : 1)) first=0 last=0
echo "time    resident  held"
# Each view makes a tree of its own the first time it is shown: all of them count.
for key in 2 3 5 1; do t send-keys -t 0 "$key"; sleep 0.3; done
while [ $((SECONDS - start)) -lt $((seconds - 2)) ] && kill -0 "$pid" 2>/dev/null; do
	resident=$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status" 2>/dev/null)
	printf '%5d s  %5d MiB  %s\n' "$((SECONDS - start))" "${resident:-0}" "$(t capture-pane -p -t 0 | sed -n 's/.*memory: //p')"
	[ "$first" -gt 0 ] || first=${resident:-0}
	last=${resident:-$last}
	sleep "$step"
done
t send-keys -t 0 4
sleep 0.5
t capture-pane -p -t 0 | grep -A2 -E 'budget|merged|cut where' | sed 's/^/note: /'
t send-keys -t 0 q
echo "resident: $first MiB at first, $last MiB at the end, after $((SECONDS - start)) s"
