#!/bin/bash
# CPU seconds to make stacks of a perf.data file of a million samples, beside perf script and
# collapse on the same file. Ratios are the point.
# The collapse is stackcollapse-perf.pl where it is on the PATH, else one in awk that does less.
# Usage: tests/bench/import.sh [STOKE] [SAMPLES]
set -u
cd "$(dirname "$0")/../.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
n=${2:-1000000}
command -v perf >/dev/null || { echo "SKIP perf is not here"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work
measure() { tests/bench/cpu_of.py "$@"; }
# shellcheck disable=SC2016
collapse='
function flush_stack() { if (comm != "") { line = comm; for (i = n; i > 0; i--) line = line ";" frame[i]; count[line]++ } n = 0; comm = "" }
/^$/ { flush_stack(); next }
/^[^ \t]/ { flush_stack(); comm = $1; next }
{ $1 = ""; sub(/^ /, ""); sub(/ \([^(]*\)$/, ""); sub(/\+0x[0-9a-f]+$/, ""); frame[++n] = $0 }
END { flush_stack(); for (line in count) print line, count[line] }'
samples_of() { awk '{ n += $NF } END { print n + 0 }' "$1"; }

compare() { # NAME COMMAND...
	local name=$1
	shift
	perf record -q -F 4999 -e cpu-clock -g -o "$work/small.data" -- "$@" >/dev/null 2>&1 || { echo "SKIP $name: perf cannot record"; return; }
	tests/bench/repeat_perf_data.py "$work/small.data" "$work/big.data" "$n" || exit 1
	measure "$work/ours" -- "$stoke" import -f -q "$work/big.data" -o "$work/big.stoke"
	"$stoke" export "$work/big.stoke" >"$work/ours.folded"
	measure "$work/script" -- perf script -i "$work/big.data" >"$work/big.txt" 2>/dev/null
	if command -v stackcollapse-perf.pl >/dev/null; then
		measure "$work/collapse" -- stackcollapse-perf.pl "$work/big.txt" >"$work/x.folded"
	else
		measure "$work/collapse" -- awk "$collapse" "$work/big.txt" >"$work/x.folded"
	fi
	awk "$collapse" "$work/big.txt" >"$work/theirs.folded" # counts samples, not nanoseconds
	cat "$work/ours" "$work/script" "$work/collapse" | awk -v name="$name" -v ours="$(samples_of "$work/ours.folded")" \
		-v theirs="$(samples_of "$work/theirs.folded")" '
		{ cpu[NR] = $1; peak[NR] = $2 / 1024 }
		END { printf "%-24s stoke %.2f s, %d MiB; perf script %.2f s + collapse %.2f s; ratio %.1f (goal 10); samples %d and %d\n",
			name, cpu[1], peak[1], cpu[2], cpu[3], (cpu[2] + cpu[3]) / cpu[1], ours, theirs }'
	rm -f "$work"/big.*
}
compare "xz, 2 threads" xz -T2 -k -c "$stoke"
compare "a C++ compiler" sh -c 'echo "#include <regex>
#include <map>
int main(int c, char **v) { return std::regex_match(v[1], std::regex(v[2])); }" | g++ -O2 -x c++ -c -o /dev/null -'
# shellcheck disable=SC2016
compare "a shell that forks" sh -c 'for i in $(seq 100); do echo $i | md5sum >/dev/null; done'
