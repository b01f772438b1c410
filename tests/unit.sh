#!/bin/sh
# Run unit tests one after the other; each prints its own lines. The last line counts them all.
# Usage: tests/unit.sh PROGRAM...
n_passed=0 n_failed=0 n_skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for program; do
	timeout 300 "$program" >"$log" 2>&1
	status=$?
	passed=$(grep -c '^\[       OK \]' "$log")
	failed=$(grep -c '^\[  FAILED  \] [a-z]' "$log")
	skipped=$(grep -c '^\[  SKIPPED \]' "$log")
	# A crash says nothing of the kind.
	[ $status -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
	if [ $status -ne 0 ]; then
		echo "FAIL $(basename "$program") (status $status)"
		cat "$log"
		[ "$failed" -le 1 ] || failed=$((failed / 2)) # cmocka lists each twice
	else
		echo "ok   $(basename "$program"): $passed passed, $skipped skipped"
		grep '^SKIP' "$log"
	fi
	n_passed=$((n_passed + passed)) n_failed=$((n_failed + failed))
	n_skipped=$((n_skipped + skipped))
done
echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
[ "$n_failed" -eq 0 ]
