#!/bin/bash
# Every test there is; the last line counts them all.
# Usage: tests/all.sh BUILD-FOLDER
set -u
build=${1:-build/release}
mode=$(basename "$build")
log=$(mktemp)
aside=$(mktemp -d)
trap 'rm -rf "$log" "$aside"' EXIT

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
# What needs one CPU and no terminal runs aside, while the screens mostly wait.
run_aside() { # SCRIPT...: one after the other; output and status of each go to files
	local script
	for script; do
		"tests/$script.sh" "$build/stoke" >"$aside/$script.out" 2>&1
		echo $? >"$aside/$script.status"
	done
}
shown() { # SCRIPT: what it printed; its status
	cat "$aside/$1.out"
	return "$(cat "$aside/$1.status")"
}
step "unit tests" make --no-print-directory -j"$(nproc)" MODE="$mode" unit
step "layers" one tests/layers.sh
step "skeletons of CONTRIBUTING" one tests/skeletons.sh
run_aside model formats round_trip consumers push mpi &
step "command line" tests/cli.sh "$build/stoke"
step "golden screens" tests/golden.sh "$build/stoke"
step "screens in a terminal" tests/tmux.sh "$build/stoke"
step "the mouse in a terminal" tests/tmux_mouse.sh "$build/stoke"
step "attaching to what runs" tests/attach.sh "$build/stoke"
step "what code is called" tests/symbols.sh "$build/stoke"
step "programs hard to follow" tests/targets.sh "$build/stoke"
wait
step "the cache model beside cachegrind" shown model
step "every format, whatever happens" shown formats
step "there and back again" shown round_trip
step "what others read" shown consumers
step "pushes to a profile store" shown push
step "a job of four MPI ranks" shown mpi
step "counting what runs already, beside /proc and perf" tests/stat_attached.sh "$build/stoke"
step "agreement with libunwind" tests/agreement.sh "$build/stoke"
step "the ten hottest functions beside perf" tests/top_ten.sh "$build/stoke"
step "perf's files beside perf" tests/import_perf.sh "$build/stoke"
step "the layout of CUPTI" tests/cupti_layout.sh
step "NVTX ranges of its own headers" tests/nvtx.sh "$build"
step "layers check itself" one tests/layers_test.sh
echo
awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$log"
