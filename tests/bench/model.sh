#!/bin/bash
# The cache model's time beside cachegrind's, for ten scalar kernels with the same caches: processor
# seconds of a run less those of a run without a kernel, the least of ROUNDS, in turns.
# Usage: tests/bench/model.sh [STOKE] [ROUNDS]
set -u
cd "$(dirname "$0")/../.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
build=$(dirname "$stoke")
rounds=${2:-3}
times=4 # so that a kernel takes longer than what surrounds it
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
for kernel in nothing $("$work/plain"); do
	for _ in $(seq "$rounds"); do
		echo "$kernel $(ours ,tlb=0 "$kernel") $(ours '' "$kernel") $(theirs "$kernel") $(seconds "$work/plain" "$kernel" "$times")"
	done
done >"$work/times"
awk '{ for (i = 2; i <= 5; i++) if (!(($1, i) in least) || $i < least[$1, i]) least[$1, i] = $i
	if (!seen[$1]++) order[++n] = $1 }
	END {
		printf "%-12s %10s %10s %12s %10s  %s\n", "kernel", "model", "with TLBs", "cachegrind", "natively", "cachegrind / model"
		for (k = 2; k <= n; k++) {
			name = order[k]
			for (i = 2; i <= 5; i++) t[i] = least[name, i] - least["nothing", i]
			all += least[name, 2]; other += least[name, 4]
			printf "%-12s %8.3f s %8.3f s %10.3f s %8.3f s  %s\n", name, t[2], t[3], t[4], t[5], (t[2] > 0 ? sprintf("%.2f", t[4] / t[2]) : "-")
		}
		printf "whole runs, start and end included: model %.2f s, cachegrind %.2f s\n", all, other
	}' "$work/times"
