#!/bin/bash
# Every stack of real programs, unwound by the fast path and by libunwind: at least 99.9 % equal
# over all of them. A program alone has some hundred stacks here, of which one may differ: 99 %. Usage: tests/agreement.sh [STOKE]
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/tally.sh
stoke=$(realpath "${1:-build/release/stoke}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
counts=
agree() { # NAME COMMAND...
	local name=$1 line
	shift
	if ! command -v "$1" >/dev/null; then
		skip "$name: no $1 here"
		return
	fi
	line=$("$stoke" record -f -v --unwinder check -F 1999 -o "$work/x.folded" -- "$@" 2>&1 >/dev/null |
		grep -o '[0-9]* equal, [0-9]* prefixes of [0-9]* checked')
	if awk -v line="$line" 'BEGIN { split(line, w, " ")
		exit !(w[6] >= 50 && w[1] >= 0.99 * w[6]) }'; then
		counts="$counts $line"
		ok "$name: $line"
	else
		fail "$name: ${line:-nothing sampled}"
	fi
}
awk '/<<.CPP.$/ { on = 1; next } /^CPP$/ { on = 0 } on' tests/bench/perf.sh >"$work/deep.cpp"
g++ -O2 -std=c++17 -include chrono -fomit-frame-pointer -pthread -o "$work/deep" "$work/deep.cpp" || exit 1
printf 'fn fib(n: u64) -> u64 { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }\nfn main() { println!("{}", fib(41)); }\n' >"$work/r.rs"
rustc -O -o "$work/rust" "$work/r.rs" 2>/dev/null
agree "C++, threads, no frame pointers" "$work/deep" 1
agree "a C++ compiler" g++ -O2 -std=c++17 -include chrono -c -o /dev/null "$work/deep.cpp"
agree "CPython" python3 -c 'import json
for i in range(100): json.loads(json.dumps(list(range(10000))))'
agree "xz, threads" xz -3 -k -c -T2 /usr/bin/git
agree "Rust" "$work/rust"
agree "C kernels with hot leaves" "$stoke" workload gbdt rows=50k rounds=60
if awk -v counts="$counts" 'BEGIN { n = split(counts, w, " ")
	for (i = 1; i < n; i += 7) { equal += w[i]; all += w[i + 5] }
	printf "all: %d of %d equal\n", equal, all; exit !(equal >= 0.999 * all) }'; then
	pass
else
	n_failed=$((n_failed + 1))
fi
finish
