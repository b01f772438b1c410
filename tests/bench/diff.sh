#!/bin/bash
# Does `stoke diff --fail-on +5%` say no of equals and yes of what is worse? TRIES comparisons of a
# program with itself, and as many with one whose one function does 8 % more; REPEATS runs of each,
# in turn. On a busy machine intervals grow: what is not proven is no regression, so the second half
# suffers first. Usage: tests/bench/diff.sh [STOKE] [TRIES] [REPEATS]
set -u
cd "$(dirname "$0")/../.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
tries=${2:-20} repeats=${3:-10}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/job.c" <<'C'
#ifndef MORE
#define MORE 0
#endif
static volatile double sink;
__attribute__((noinline)) static double part(long n)
{
	double x = sink;
	for (long i = 0; i < n; i++)
		x = x * 0.999 + (double)i;
	return x;
}
__attribute__((noinline)) static double first(long n) { return part(n) + 1; }
__attribute__((noinline)) static double planted(long n)
{
	double x = sink;
	for (long i = 0; i < n * (100 + MORE) / 100; i++)
		x = x * 0.998 + (double)i;
	return x;
}
__attribute__((noinline)) static double last(long n)
{
	double x = sink;
	for (long i = 0; i < n; i++)
		x = x * 0.997 + (double)(i & 7);
	return x;
}
int main(void)
{
	for (int i = 0; i < 80; i++)
		sink = first(1000000) + planted(1000000) + last(1000000);
	return 0;
}
C
cc -O1 -o "$work/same" "$work/job.c" && cc -O1 -DMORE=8 -o "$work/worse" "$work/job.c" || exit 1
cd "$work" || exit 1
echo "load average before: $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) CPUs"
n_quiet=0 n_found=0
start=$(date +%s)
for _ in $(seq "$tries"); do
	"$stoke" diff -q -F 2999 -r "$repeats" --fail-on +5% -- ./same -- ./same >quiet.txt 2>/dev/null && n_quiet=$((n_quiet + 1))
	if ! "$stoke" diff -q -F 2999 -r "$repeats" --fail-on +5% -- ./same -- ./worse >found.txt 2>/dev/null &&
		grep -q '^Regression: .*planted' found.txt; then n_found=$((n_found + 1)); fi
done
echo "no regression between equals: $n_quiet of $tries (goal: all)"
echo "a function that does 8 % more is named: $n_found of $tries (goal: all)"
echo "$repeats runs of each, $(($(date +%s) - start)) s; load average after: $(cut -d' ' -f1-3 /proc/loadavg)"
