#!/bin/bash
# Run unit tests, as many at a time as there are CPUs; each prints its own lines when it has ended.
# The last line counts them all.
# Usage: tests/unit.sh PROGRAM...
set -u
MOST_SECONDS=600 # of one program: under the thread sanitizer the slowest takes a fifth of it
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run_one() { # PROGRAM: its counts go to a file, its lines to stdout in one piece
	local log status passed failed skipped
	log="$work/$(basename "$1").log"
	local start=${EPOCHREALTIME//[.,]/}
	timeout "$MOST_SECONDS" "$1" >"$log" 2>&1
	status=$?
	local seconds=$(((${EPOCHREALTIME//[.,]/} - start + 500000) / 1000000))
	passed=$(grep -c '^\[       OK \]' "$log")
	failed=$(grep -c '^\[  FAILED  \] [a-z]' "$log")
	skipped=$(grep -c '^\[  SKIPPED \]' "$log")
	# A crash says nothing of the kind.
	[ $status -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
	[ "$failed" -le 1 ] || failed=$((failed / 2)) # cmocka lists each twice
	{
		if [ $status -ne 0 ]; then
			echo "FAIL $(basename "$1") (status $status)"
			cat "$log"
		else
			echo "ok   $(basename "$1"): $passed passed, $skipped skipped, $seconds s"
			grep '^SKIP' "$log"
		fi
	} >"$log.text"
	echo "$passed $failed $skipped" >"$log.counts"
	flock "$work" cat "$log.text"
}

# The longest first: none is to run alone at the end, with the other CPUs idle.
longest="workloads boosting_files drift recording face kernels_dense kernels_dot perf_data compare
	boosting cupti cuda_training kernels_memory ceilings"
in_order() { # PROGRAM...
	local program name
	for name in $longest; do
		for program; do [ "${program##*/test_}" != "$name" ] || echo "$program"; done
	done
	for program; do [[ " ${longest//[$'\n\t']/ } " == *" ${program##*/test_} "* ]] || echo "$program"; done
}
mapfile -t programs < <(in_order "$@")
for program in "${programs[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
	run_one "$program" &
done
wait
cat "$work"/*.counts 2>/dev/null | awk '
	{ passed += $1; failed += $2; skipped += $3 }
	END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 }'
