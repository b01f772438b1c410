#!/bin/bash
# What `stoke stat` counts of programs that run already, beside /proc and perf. They are stopped
# while the counters are opened and read, so all three count the same, to the last page fault.
# Usage: tests/stat_attached.sh [STOKE]
set -u
# shellcheck source=tests/tally.sh
. "$(dirname "$0")/tally.sh"
stoke=$(realpath "${1:-build/release/stoke}")
[ -x "$stoke" ] || { echo "there is no $stoke: run make"; exit 1; }
work=$(mktemp -d)
pids=
trap '{ [ -z "$pids" ] || kill -KILL $pids; wait; } 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
export LC_ALL=C.UTF-8 XDG_CONFIG_HOME="$work"
same() { if [ -n "$2" ] && [ "$2" = "$3" ]; then pass; else fail "$1: ${3:-nothing}, not ${2:-nothing}"; fi; }
near() { # NAME EXPECTED GOT RATIO APART
	if awk -v e="$2" -v g="${3:-none}" -v t="$4" -v a="$5" 'BEGIN { exit !(g + 0 == g && g >= e * (1 - t) - a && g <= e * (1 + t) + a) }'; then
		pass
	else
		fail "$1: ${3:-nothing}, not $2"
	fi
}

cat >steady.c <<'C'
/* steady N: N threads that map, touch and unmap pages, spin and sleep, without end;
 * steady -: wait for a byte, touch 1000 pages, half of them in a child, and end. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static void touch(int n)
{
	char *memory = mmap(NULL, n * 4096L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(memory, n * 4096L, MADV_NOHUGEPAGE);
	for (int i = 0; i < n; i++)
		((volatile char *)memory)[i * 4096L] = 1;
	munmap(memory, n * 4096L);
}
static void *work(void *unused)
{
	for (;;) {
		touch(20);
		for (volatile int i = 0; i < 300000; i++)
			;
		usleep(2000);
	}
	return unused;
}
int main(int argc, char **argv)
{
	pthread_t thread;
	char byte;
	if (argc > 1 && strcmp(argv[1], "-") == 0) {
		if (read(0, &byte, 1) != 1)
			return 1;
		touch(500);
		if (fork() == 0) {
			touch(500);
			_exit(0);
		}
		wait(NULL);
		return 5;
	}
	for (int i = 1; i < (argc > 1 ? atoi(argv[1]) : 1); i++)
		pthread_create(&thread, NULL, work, NULL);
	work(NULL);
}
C
gcc -O1 -pthread -o steady steady.c || exit 1

# All threads of some processes are stopped.
cat >stopped.sh <<'SH'
for pid; do kill -STOP "$pid"; done
for pid; do
	for task in /proc/"$pid"/task/*; do
		until grep -q '^State:.[Tt]' "$task/status"; do sleep 0.01; done
	done
done
SH
cat >while.sh <<'SH'
for pid; do kill -CONT "$pid"; done
sleep 0.7
exec sh ./stopped.sh "$@"
SH

# By /proc: of a process or, with its TID, of a thread. The name holds no blanks.
faults() { awk '{ n += $10 + $12 } END { print n }' "$@"; }
switches() { cat "$@" | awk '/ctxt_switches/ { n += $2 } END { print n }'; }
# What the machine's host took away, which clocks count and user and system do not: nanoseconds.
stolen() { awk -v hz="$(getconf CLK_TCK)" '/^cpu / { printf "%.0f\n", $9 * 1e9 / hz }' /proc/stat; }
row() { awk -F, -v e="$1" '$4 == e { print $5; exit }' ours.csv; }
of_perf() { awk -F, -v e="$1" '{ sub(/:.*/, "", $3) } $3 == e { print $1; exit }' perf.csv; }
perf=$(command -v perf || true)
count() { # OPTIONS PID...: of perf and stoke alike
	local options=$1
	shift
	rm -f ours.csv perf.csv
	if [ -n "$perf" ]; then
		# shellcheck disable=SC2086
		perf stat -x, -o perf.csv -e page-faults,context-switches,task-clock $options -- \
			"$stoke" stat -x, -f -o ours.csv -e page-faults,context-switches,task-clock $options -- sh ./while.sh "$@"
	else
		# shellcheck disable=SC2086
		"$stoke" stat -x, -f -o ours.csv -e page-faults,context-switches,task-clock $options -- sh ./while.sh "$@"
	fi
}
beside_perf() { # NAME
	if [ -z "$perf" ]; then
		skip "$1 beside perf: there is none here"
		return
	fi
	same "$1: page faults beside perf" "$(of_perf page-faults)" "$(row page-faults)"
	same "$1: context switches beside perf" "$(of_perf context-switches)" "$(row context-switches)"
	# perf says milliseconds.
	near "$1: task-clock beside perf" "$(of_perf task-clock | awk '{ print $1 * 1e6 }')" "$(row task-clock)" 0.01 1000000
}

./steady 3 & one=$!
./steady 1 & two=$!
pids="$one $two"
sleep 0.3
sh ./stopped.sh "$one" "$two"
"$stoke" stat -e context-switches -p "$one" -- true >out 2>&1 || { cat out; skip "nothing may be counted here"; finish; }
grep -q 'which may not be counted' out && { skip "the kernel's part may not be counted here"; finish; }

f=$(faults /proc/"$one"/stat) c=$(switches /proc/"$one"/task/*/status) taken=$(stolen)
count "-p $one" "$one"
same "a process: status" 0 $?
taken=$(($(stolen) - taken))
same "a process: page faults" "$(($(faults /proc/"$one"/stat) - f))" "$(row page-faults)"
same "a process: context switches" "$(($(switches /proc/"$one"/task/*/status) - c))" "$(row context-switches)"
near "a process: user and system are its task-clock" "$(row task-clock)" \
	"$(awk -v u="$(row user)" -v s="$(row system)" 'BEGIN { print (u + s) * 1e9 }')" 0.1 $((40000000 + taken))
beside_perf "a process"

f=$(faults /proc/"$one"/stat /proc/"$two"/stat)
count "-p $one,$two" "$one" "$two"
same "two processes: page faults" "$(($(faults /proc/"$one"/stat /proc/"$two"/stat) - f))" "$(row page-faults)"
beside_perf "two processes"

thread=$(ls /proc/"$one"/task | tail -n 1)
f=$(faults /proc/"$one"/task/"$thread"/stat) g=$(faults /proc/"$one"/stat)
count "-t $thread" "$one"
f=$(($(faults /proc/"$one"/task/"$thread"/stat) - f)) g=$(($(faults /proc/"$one"/stat) - g))
same "a thread: page faults" "$f" "$(row page-faults)"
[ "$f" -lt "$g" ] && pass || fail "a thread is its whole process: $f of $g page faults"
beside_perf "a thread"

if "$stoke" stat -e cs -a -- true >out 2>&1; then
	f=$(faults /proc/"$one"/stat)
	"$stoke" stat -x, -f -o ours.csv -e page-faults,task-clock -a -- sh ./while.sh "$one"
	f=$(($(faults /proc/"$one"/stat) - f))
	[ "$(row page-faults)" -ge "$f" ] && pass || fail "the machine has fewer page faults than a process: $(row page-faults), $f"
	near "the machine: clocks of all CPUs" \
		"$(awk -v s="$(row elapsed)" -v n="$(getconf _NPROCESSORS_ONLN)" 'BEGIN { print s * n * 1e9 }')" "$(row task-clock)" 0.05 0
else
	grep -q 'kernel.perf_event_paranoid=0' out && skip "the machine may not be counted here"
	grep -q 'kernel.perf_event_paranoid=0' out || fail "the machine: $(cat out)"
fi

# Until it ends; what it starts is in it.
mkfifo gate
./steady - <gate & last=$!
pids="$pids $last"
exec 3>gate
"$stoke" stat -x, -f -o ours.csv -e minor-faults -p "$last" & ours=$!
for _ in $(seq 100); do
	[ -n "$(find /proc/"$ours"/fd -lname '*perf_event*' 2>/dev/null)" ] && break
	sleep 0.05
done
sleep 0.3
echo >&3
wait "$ours"
same "status when it has ended" 0 $?
wait "$last"
same "the program is left alone" 5 $?
near "faults of a process and its child" 1000 "$(row minor-faults)" 0 400
[ "$(row minor-faults)" -ge 1000 ] && pass || fail "faults of a process and its child: $(row minor-faults)"
finish
