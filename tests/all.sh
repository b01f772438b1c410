#!/bin/bash
# Every test there is; the last line counts them all.
# Usage: tests/all.sh BUILD-FOLDER
set -u
build=${1:-build/release}
mode=$(basename "$build")
log=$(mktemp)
aside=$(mktemp -d)
trap 'rm -rf "$log" "$aside"' EXIT
export XDG_CACHE_HOME=$aside/cache # as on a new machine, whatever was measured on this one

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
# Some tests wait more than they compute, others need one CPU: three lanes of them side by side. The
# output and status of each go to files, and are shown in the order below.
aside() { # NAME COMMAND...
	local name=$1
	shift
	"$@" >"$aside/$name.out" 2>&1
	echo $? >"$aside/$name.status"
}
lane() { # SCRIPT...: one after the other
	local script
	for script; do aside "$script" "tests/$script.sh" "$build/stoke"; done
}
shown() { # NAME: what it printed, when it has ended; its status
	while [ ! -e "$aside/$1.status" ] && kill -0 "$rest" "$screens" "$commands" 2>/dev/null; do sleep 0.1; done
	cat "$aside/$1.out"
	return "$(cat "$aside/$1.status")"
}
step "unit tests" make --no-print-directory -j"$(nproc)" MODE="$mode" unit
lane tmux tmux_mouse attach &
screens=$!
lane model formats round_trip consumers push mpi &
rest=$!
{
	aside layers one tests/layers.sh
	aside skeletons one tests/skeletons.sh
	lane cli golden symbols targets stat_attached agreement import_perf
	aside cupti_layout tests/cupti_layout.sh
	aside nvtx tests/nvtx.sh "$build"
	aside layers_test one tests/layers_test.sh
} &
commands=$!
step "layers" shown layers
step "skeletons of CONTRIBUTING" shown skeletons
step "command line" shown cli
step "golden screens" shown golden
step "screens in a terminal" shown tmux
step "the mouse in a terminal" shown tmux_mouse
step "attaching to what runs" shown attach
step "what code is called" shown symbols
step "programs hard to follow" shown targets
step "the cache model beside cachegrind" shown model
step "every format, whatever happens" shown formats
step "there and back again" shown round_trip
step "what others read" shown consumers
step "pushes to a profile store" shown push
step "a job of four MPI ranks" shown mpi
step "counting what runs already, beside /proc and perf" shown stat_attached
step "agreement with libunwind" shown agreement
step "perf's files beside perf" shown import_perf
step "the layout of CUPTI" shown cupti_layout
step "NVTX ranges of its own headers" shown nvtx
step "layers check itself" shown layers_test
wait
# Alone: they compare shares of time.
step "the ten hottest functions beside perf" tests/top_ten.sh "$build/stoke"
step "sampling where perf_event_open is forbidden" tests/timer.sh "$build/stoke"
echo
awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$log"
