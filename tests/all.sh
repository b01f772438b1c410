#!/bin/bash
# Every test there is; the last line counts them all.
# Usage: tests/all.sh BUILD-FOLDER
set -u
build=${1:-build/release}
mode=$(basename "$build")
log=$(mktemp)
beside=$(mktemp)
trap 'rm -f "$log" "$beside"' EXIT

step() { # NAME COMMAND...
	local name=$1
	shift
	echo "== $name"
	local part
	part=$(mktemp)
	"$@" 2>&1 | tee "$part"
	# A step that dies before it counts has failed once.
	[ "${PIPESTATUS[0]}" -eq 0 ] || grep -qE '^[0-9]+ passed, [1-9][0-9]* failed' "$part" ||
		echo "0 passed, 1 failed, 0 skipped" >>"$part"
	cat "$part" >>"$log"
	rm -f "$part"
}
one() { # a check that is right or wrong as a whole
	if "$@"; then echo "1 passed, 0 failed, 0 skipped"; else echo "0 passed, 1 failed, 0 skipped"; fi
}
shown() { # STATUS: what ran beside the others has ended so
	cat "$beside"
	return "$1"
}
step "unit tests" make --no-print-directory -j"$(nproc)" MODE="$mode" unit
step "layers" one tests/layers.sh
step "skeletons of CONTRIBUTING" one tests/skeletons.sh
step "command line" tests/cli.sh "$build/stoke"
step "golden screens" tests/golden.sh "$build/stoke"
tests/model.sh "$build/stoke" >"$beside" 2>&1 & # a minute of one CPU, while the screens mostly wait
model=$!
step "screens in a terminal" tests/tmux.sh "$build/stoke"
status=0
wait $model || status=$?
step "the cache model beside cachegrind" shown $status
step "what code is called" tests/symbols.sh "$build/stoke"
step "programs hard to follow" tests/targets.sh "$build/stoke"
step "agreement with libunwind" tests/agreement.sh "$build/stoke"
step "the ten hottest functions beside perf" tests/top_ten.sh "$build/stoke"
step "perf's files beside perf" tests/import_perf.sh "$build/stoke"
step "there and back again" tests/round_trip.sh "$build/stoke"
step "every format, whatever happens" tests/formats.sh "$build/stoke"
step "what others read" tests/consumers.sh "$build/stoke"
step "pushes to a profile store" tests/push.sh "$build/stoke"
step "a job of four MPI ranks" tests/mpi.sh "$build/stoke"
step "the layout of CUPTI" tests/cupti_layout.sh
step "NVTX ranges of its own headers" tests/nvtx.sh "$build"
step "layers check itself" one tests/layers_test.sh
echo
awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$log"
