#!/bin/bash
# The ten hottest functions, exclusive and inclusive, beside `perf record --call-graph dwarf` of the
# same run: within 2 points each. stoke starts perf, which starts the program, so both sample the same
# seconds of it: two runs of one program can differ by more than two points by themselves. (The other
# way round perf 6.1 loses the outer frames of whole threads in half the runs.) Names are without
# their parameters, since perf leaves them and what a template returns out.
# Usage: tests/top_ten.sh [STOKE]
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/tally.sh
stoke=$(realpath "${1:-build/release/stoke}")
if ! command -v perf >/dev/null; then
	skip "the ten hottest functions: perf is not here"
	finish
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
collapse=$(awk "/^collapse='/ { on = 1; next } on && /^END/ { sub(/'\$/, \"\"); print; exit } on" tests/bench/perf.sh)

# Folded text to "exclusive% inclusive% name", for one program's threads.
shares() { # COMM-PATTERN FILE
	awk -v comm="$1" '{ n = $NF; sub(/ [0-9]+$/, ""); depth = split($0, frame, ";")
		if (frame[1] !~ comm) next
		all += n
		for (i = 2; i <= depth; i++) {
			name = frame[i]
			if (name ~ /^\[/) name = "[" # how the unknown is called differs
			sub(/\(.*/, "", name); sub(/@.*/, "", name); sub(/^void /, "", name)
			sub(/^__GI_/, "", name); sub(/^_+/, "", name) # aliases of one function
			sub(/^memcpy_/, "memmove_", name) # and two at one address, of which each takes its own
			frame[i] = name
			if (!((name, NR) in seen)) { seen[name, NR] = 1; inclusive[name] += n }
		}
		exclusive[frame[depth]] += n }
	END { for (name in inclusive) printf "%.3f %.3f %s\n", 100 * exclusive[name] / all, 100 * inclusive[name] / all, name }' "$2"
}
# Each of perf's ten hottest by column must be within 2 points in ours.
compare() { # COLUMN THEIRS OURS
	awk -v column="$1" 'NR == FNR { value = $column; $1 = $2 = ""; ours[$0] = value; next }
		{ value = $column; $1 = $2 = ""; difference = ours[$0] - value
		  if (difference < 0) difference = -difference
		  if (difference > worst) { worst = difference; name = $0 }
		  if (difference > 2) { printf "     %s: perf %.1f %%, stoke %.1f %%\n", $0, value, ours[$0]; bad = 1 } }
		END { printf "     column %d: at most %.1f points apart (%s)\n", column, worst, name; exit bad }' \
		"$3" <(grep -v ' \[$' "$2" | sort -gr -k"$1,$1" | head -10)
}
check() { # NAME COMM-PATTERN COMMAND...
	local name=$1 comm=$2
	shift 2
	if ! command -v "$1" >/dev/null; then
		skip "$name: no $1 here"
		return
	fi
	local how="-q -F 1999 -e cpu-clock --call-graph dwarf,16384"
	# shellcheck disable=SC2086
	"$stoke" record -f --no-inline $how -o "$work/ours.folded" -- \
		perf record $how -o "$work/perf.data" -- "$@" >/dev/null 2>&1
	perf script --no-inline -i "$work/perf.data" 2>/dev/null | awk "$collapse" >"$work/theirs.folded"
	shares "$comm" "$work/theirs.folded" >"$work/theirs"
	shares "$comm" "$work/ours.folded" >"$work/ours"
	if [ -s "$work/theirs" ] && compare 1 "$work/theirs" "$work/ours" &&
		compare 2 "$work/theirs" "$work/ours"; then
		ok "$name"
	else
		fail "$name"
	fi
}
awk '/<<.CPP.$/ { on = 1; next } /^CPP$/ { on = 0 } on' tests/bench/perf.sh >"$work/deep.cpp"
g++ -O2 -std=c++17 -include chrono -fomit-frame-pointer -pthread -o "$work/deep" "$work/deep.cpp" || exit 1
check "C++, threads, no frame pointers" "^deep$" "$work/deep" 3
check "C kernels with hot leaves" "^(stoke|gbdt)" "$stoke" workload gbdt rows=100k rounds=100
check "xz, threads" "^xz$" xz -3 -k -c -T2 /usr/bin/git
finish
