#!/bin/bash
# The README's ```sh blocks, one after the other, each must succeed.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk -v work="$work" '/^```sh$/ { n++; on = 1; next } /^```$/ { on = 0 }
	on { print > sprintf("%s/%02d.sh", work, n) }' README.md
clean() {
	rm -f stacks.folded stacks.stoke stacks.speedscope.json xz.stoke xz.html gbdt.folded gzip.stoke both.stoke comparison.md gemm.stoke walk walk.c walk.o walk.stoke \
		ring.stoke running.stoke running.txt part.stoke part.[0-9]*.stoke few.stoke
}
clean # what a run that failed has left
n=0
for block in "$work"/*.sh; do
	n=$((n + 1))
	echo "-- block $n"
	bash -eu "$block" </dev/null
done
clean
[ "$n" -gt 0 ] && echo "$n blocks of README.md work"
