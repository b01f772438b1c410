#!/bin/bash
# How much slower a program runs while it is sampled: its own CPU seconds for a fixed piece of work,
# alone, under stoke and under perf with the same rate and the same copy of the stack, and under perf
# without stacks, interleaved. The last is the price of the timer's interrupts, which no profiler that
# samples by it can avoid (dear in a virtual machine: each one leaves the guest).
# Usage: tests/bench/slowdown.sh [STOKE] [REPEATS]
set -u
cd "$(dirname "$0")/../.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
repeats=${2:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/fixed.c" <<'C'
#include <stdio.h>
#include <sys/resource.h>
volatile double sink;
__attribute__((noinline)) static double descend(int n)
{
	if (n)
		return descend(n - 1) + 1;
	double x = sink;
	for (int i = 0; i < 3000; i++)
		x = x * 0.999 + i;
	return x;
}
int main(void)
{
	struct rusage use;
	for (int i = 0; i < 300000; i++)
		sink = descend(25);
	getrusage(RUSAGE_SELF, &use);
	FILE *out = fopen("used", "w");
	fprintf(out, "%.6f\n", use.ru_utime.tv_sec + use.ru_utime.tv_usec * 1e-6 + use.ru_stime.tv_sec + use.ru_stime.tv_usec * 1e-6);
	return fclose(out);
}
C
cc -O1 -fno-optimize-sibling-calls -o "$work/fixed" "$work/fixed.c" || exit 1
cd "$work" || exit 1
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ours() { "$stoke" record -f -q -F "$1" --call-graph "dwarf,$2" -o x.folded -- ./fixed >/dev/null 2>&1; }
theirs() { perf record -q -F "$1" -e cpu-clock --call-graph "dwarf,$2" -o x.data -- ./fixed >/dev/null 2>&1; }
bare() { perf record -q -F "$1" -e cpu-clock -o x.data -- ./fixed >/dev/null 2>&1; }
for case in "999 16384" "4999 16384" "19999 8192"; do
	read -r hz bytes <<<"$case"
	: >alone && : >stoke && : >perf && : >bare
	for _ in $(seq "$repeats"); do
		./fixed && cat used >>alone
		ours "$hz" "$bytes" && cat used >>stoke
		if command -v perf >/dev/null; then
			theirs "$hz" "$bytes" && cat used >>perf
			bare "$hz" && cat used >>bare
		fi
	done
	awk -v hz="$hz" -v bytes="$bytes" -v alone="$(median <alone)" -v stoke="$(median <stoke)" -v perf="$(median <perf)" -v bare="$(median <bare)" 'BEGIN {
		printf "slow-down at %5d Hz, %5d bytes: stoke %+.1f %%", hz, bytes, 100 * (stoke / alone - 1)
		if (perf > 0) printf ", perf %+.1f %%, interrupts alone %+.1f %%", 100 * (perf / alone - 1), 100 * (bare / alone - 1)
		printf " (alone %.3f s)\n", alone }'
done
