#!/bin/bash
# CPU seconds a sample, from start to folded text, beside perf record + perf script + collapse, on
# the same program at the same rate and stack size, interleaved. Ratios are the point.
# The collapse is stackcollapse-perf.pl where it is on the PATH, else one in awk that does less.
# Usage: tests/bench/perf.sh [STOKE] [REPEATS]
set -u
cd "$(dirname "$0")/../.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
repeats=${2:-3}
command -v perf >/dev/null || { echo "SKIP perf is not here"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
measure() { tests/bench/cpu_of.py "$@"; }

# A multi-threaded C++ program about 25 frames deep, without frame pointers.
cat >"$work/deep.cpp" <<'CPP'
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>
volatile double sink;
struct Base { virtual ~Base() {} virtual double go(int n) = 0; };
static double leaf(int n) { double s = 0; for (int i = 0; i < 3000; i++) s += i * 0.5 / (n + 1); return s; }
struct One : Base { double go(int n) override; };
struct Two : Base { double go(int n) override; };
static One one; static Two two;
__attribute__((noinline)) double One::go(int n) { return n ? two.go(n - 1) + 1 : leaf(n); }
__attribute__((noinline)) double Two::go(int n) { std::function<double(int)> f = [](int k) { return one.go(k) + 2; }; return n ? f(n - 1) : leaf(n); }
static int compare(const void *a, const void *b) { sink = one.go(6); return *(const int *)a - *(const int *)b; }
static void work(double seconds) {
	auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
	while (std::chrono::steady_clock::now() < end) {
		int v[64]; for (int i = 0; i < 64; i++) v[i] = (i * 37) % 64;
		qsort(v, 64, sizeof v[0], compare);
		std::vector<int> w(v, v + 64); std::sort(w.begin(), w.end(), [](int a, int b) { sink = two.go(5); return a > b; });
	}
}
int main(int c, char **v) { double s = c > 1 ? atof(v[1]) : 2; std::thread a(work, s), b(work, s); a.join(); b.join(); }
CPP
g++ -O2 -std=c++17 -include chrono -fomit-frame-pointer -pthread -o "$work/deep" "$work/deep.cpp" || exit 1
mkdir "$work/src"
for i in $(seq 24); do
	printf '#include <map>\n#include <string>\n#include <vector>\n#include <algorithm>\n#include <iostream>\nstruct T%d { std::map<std::string, std::vector<int>> m; void f(std::string s) { m[s].push_back(%d); std::sort(m[s].begin(), m[s].end()); } };\nvoid g%d() { T%d t; t.f("x"); std::cout << t.m.size(); }\n' "$i" "$i" "$i" "$i" >"$work/src/f$i.cpp"
done
printf 'all: %s\n%%.o: %%.cpp\n\tg++ -O2 -c -o $@ $<\n' "$(for i in $(seq 24); do printf 'f%d.o ' "$i"; done)" >"$work/src/Makefile"

collapse='
function flush_stack() { if (comm != "") { line = comm; for (i = n; i > 0; i--) line = line ";" frame[i]; count[line]++ } n = 0; comm = "" }
/^$/ { flush_stack(); next }
/^[^ \t]/ { flush_stack(); comm = $1; next }
{ $1 = ""; sub(/^ /, ""); sub(/ \([^(]*\)$/, ""); sub(/\+0x[0-9a-f]+$/, ""); frame[++n] = $0 }
END { flush_stack(); for (line in count) print line, count[line] }'
samples_of() { awk '{ n += $NF } END { print n + 0 }' "$1"; }

ours() { # HZ BYTES INLINE COMMAND...
	local hz=$1 bytes=$2 inline=$3
	shift 3
	measure "$work/cpu" -- "$stoke" record -f -q $inline -F "$hz" --call-graph "dwarf,$bytes" \
		-o "$work/ours.folded" -- "$@" >/dev/null 2>&1
	read -r seconds peak <"$work/cpu"
	ours_us=$(awk -v s="$seconds" -v n="$(samples_of "$work/ours.folded")" 'BEGIN { printf "%.2f", n ? s / n * 1e6 : 0 }')
	ours_peak=$peak
}
theirs() { # HZ BYTES INLINE COMMAND...
	local hz=$1 bytes=$2 inline=$3 total=0
	shift 3
	measure "$work/cpu" -- perf record -q -F "$hz" -e cpu-clock --call-graph "dwarf,$bytes" -o "$work/perf.data" -- "$@" >/dev/null 2>&1
	read -r seconds peak <"$work/cpu"
	total=$seconds
	theirs_peak=$peak
	# For inline frames it asks addr2line.
	# shellcheck disable=SC2086
	measure "$work/cpu" --children -- perf script $inline -i "$work/perf.data" >"$work/script" 2>/dev/null
	read -r seconds peak <"$work/cpu"
	total="$total + $seconds"
	if command -v stackcollapse-perf.pl >/dev/null; then
		measure "$work/cpu" -- stackcollapse-perf.pl "$work/script" >"$work/x.folded"
	else
		measure "$work/cpu" -- awk "$collapse" "$work/script" >"$work/x.folded"
	fi
	awk "$collapse" "$work/script" >"$work/theirs.folded" # counts samples, not nanoseconds
	read -r seconds peak <"$work/cpu"
	theirs_us=$(awk -v n="$(samples_of "$work/theirs.folded")" "BEGIN { printf \"%.2f\", n ? ($total + $seconds) / n * 1e6 : 0 }")
}
median() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
printf '%-34s %12s %12s %8s %8s %s\n' "case" "stoke us" "perf us" "ratio" "goal" "met"
row() { # NAME GOAL OURS THEIRS
	awk -v name="$1" -v goal="$2" -v a="$3" -v b="$4" 'BEGIN { r = a > 0 ? b / a : 0
		printf "%-34s %12.2f %12.2f %8.1f %8s %s\n", name, a, b, r, "1/" goal, (r >= goal ? "yes" : "NO") }'
}
compare() { # NAME GOAL HZ BYTES OUR-INLINE PERF-INLINE COMMAND...
	local name=$1 goal=$2 hz=$3 bytes=$4 oi=$5 pi=$6 a=() b=()
	shift 6
	for _ in $(seq "$repeats"); do
		[ ! -e "$work/src/Makefile" ] || rm -f "$work"/src/*.o
		ours "$hz" "$bytes" "$oi" "$@"
		a+=("$ours_us")
		rm -f "$work"/src/*.o
		theirs "$hz" "$bytes" "$pi" "$@"
		b+=("$theirs_us")
	done
	row "$name" "$goal" "$(median "${a[@]}")" "$(median "${b[@]}")"
}
compare "C++, 2 threads, 999 Hz, 16 KiB" 15 999 16384 --no-inline --no-inline "$work/deep" 3
compare "C++, 2 threads, 4999 Hz, 16 KiB" 25 4999 16384 --no-inline --no-inline "$work/deep" 3
compare "compiler build, 999 Hz" 12 999 16384 --no-inline --no-inline make -s -j2 -C "$work/src"
echo "   resident on the compiler build: stoke $((ours_peak / 1024)) MiB (goal 25), perf record $((theirs_peak / 1024)) MiB"
compare "compiler build, inline frames" 100 999 16384 "" "" make -s -j2 -C "$work/src"
for case in "4999 16384" "19999 8192"; do
	read -r hz bytes <<<"$case"
	"$stoke" record -f -F "$hz" --call-graph "dwarf,$bytes" -o "$work/x.folded" -- "$work/deep" 3 2>&1 |
		grep -o '[0-9,]* samples.*' | sed "s/^/lost at $hz Hz, $bytes bytes: /"
done
