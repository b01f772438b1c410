#!/bin/bash
# All guests with a PMU; the last line counts what was checked in them.
# Usage: tests/pmu/test.sh STOKE
set -u
here=$(dirname "$0")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for test in "$here/x86.sh $1" "$here/arm64.sh" "$here/riscv64.sh"; do
	echo "== $test"
	# shellcheck disable=SC2086
	$test 2>&1 | tee "$log.one"
	grep -qE '^[0-9]+ passed, ' "$log.one" || echo "0 passed, 1 failed, 0 skipped" >>"$log.one"
	cat "$log.one" >>"$log"
	rm -f "$log.one"
done
awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$log"
