#!/bin/bash
# The cache model's time beside cachegrind's and beside the program alone, for ten scalar kernels with
# the same caches: processor seconds of a run less those of a run without a kernel, the least of
# ROUNDS, in turns; a whole access in nanoseconds; and how many times as long as alone.
# Usage: tests/bench/model.sh [STOKE] [ROUNDS]
set -u
cd "$(dirname "$0")/../.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
build=$(dirname "$stoke")
rounds=${2:-3}
times=8 # so that a kernel takes much longer than what surrounds it
command -v valgrind >/dev/null || { echo "SKIP valgrind is not here; apt-get install valgrind"; exit 0; }
[ -x "$build/stoke-model" ] || { echo "SKIP there is no stoke-model in $build"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -std=c17 -O1 -g -fno-pie -no-pie -o "$work/plain" tests/model/kernels.c &&
	cc -std=c17 -O1 -g -fno-pie -fsanitize=thread -c -o "$work/kernels.o" tests/model/kernels.c &&
	cc -no-pie -o "$work/kernels" "$work/kernels.o" "$build/libstoke-model.a" -lm -lpthread -ldl || exit 1
TIMEFORMAT='%U %S'
seconds() { # COMMAND...
	{ time "$@" >/dev/null 2>&1; } 2>&1 | awk '{ print $1 + $2 }'
}
ours() { STOKE_MODEL=l1=32K/8,l2=1M/16,line=64,cores=1$1 seconds "$work/kernels" "$2" "$times"; }
theirs() {
	seconds valgrind --tool=cachegrind --cachegrind-out-file=/dev/null --I1=32768,8,64 \
		--D1=32768,8,64 --LL=1048576,16,64 "$work/plain" "$1" "$times"
}
accesses() { # KERNEL
	STOKE_MODEL=l1=32K/8,l2=1M/16,line=64,cores=1,tlb=0 "$work/kernels" "$1" "$times" 2>&1 >/dev/null |
		awk '/ accesses / { print $3 }'
}
for kernel in nothing $("$work/plain"); do
	n=$(accesses "$kernel")
	for _ in $(seq "$rounds"); do
		echo "$kernel $n $(ours ,tlb=0 "$kernel") $(ours '' "$kernel") $(theirs "$kernel") $(seconds "$work/plain" "$kernel" "$times")"
	done
done >"$work/times"
awk 'function share(a, b) { return b > 0 ? sprintf("%.2f", a / b) : "-" }
	function times(a, b) { return b >= 0.004 ? sprintf("%.0f", a / b) : "-" } # of what is long enough to be timed
	{ for (i = 3; i <= 6; i++) if (!(($1, i) in least) || $i < least[$1, i]) least[$1, i] = $i
	n[$1] = $2
	if (!seen[$1]++) order[++m] = $1 }
	END {
		printf "%-12s %8s %8s %8s %8s | %6s %6s | %6s %6s | %s\n", "kernel", "alone", "model", "+ TLBs", "valgrind", "ns", "+ TLBs", "model", "valgr.", "valgrind"
		printf "%-12s %8s %8s %8s %8s | %13s | %13s | %s\n", "", "s", "s", "s", "s", "an access", "times alone", "/ model"
		for (k = 2; k <= m; k++) {
			name = order[k]
			for (i = 3; i <= 6; i++) { t[i] = least[name, i] - least["nothing", i]; sum[i] += t[i] }
			count = n[name] - n["nothing"]; all += count
			printf "%-12s %8.3f %8.3f %8.3f %8.3f | %6.1f %6.1f | %6s %6s | %s\n", name, t[6], t[3], t[4], t[5],
				1e9 * t[3] / count, 1e9 * t[4] / count, times(t[3], t[6]), times(t[5], t[6]), share(t[5], t[3])
		}
		printf "%-12s %8.3f %8.3f %8.3f %8.3f | %6.1f %6.1f | %6s %6s | %s\n", "all ten", sum[6], sum[3], sum[4], sum[5],
			1e9 * sum[3] / all, 1e9 * sum[4] / all, times(sum[3], sum[6]), times(sum[5], sum[6]), share(sum[5], sum[3])
	}' "$work/times"
