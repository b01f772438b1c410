#!/bin/bash
# stoke built for arm64, in a guest with a real PMU driver: exact counts, a 75 : 25 program split by
# cycles and by instructions, unwinding, and events the PMU has not.
# Usage: tests/pmu/arm64.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/pmu/judge.sh
. tests/pmu/judge.sh
guest=tests/pmu/guest_cross.sh
"$guest" arm64 setup || { fail "setting the guest up"; finish; }
# Warnings of an older or stranger compiler are no errors. gcc 12 for arm64 dies of some vectorised loops ("internal compiler error"), so none here. The
# libraries that are optional are left out. Little is optimised, and nothing debugged: it is there sooner.
make --no-print-directory -j2 CI= CC="$PWD/$guest arm64 cc" CFLAGS="-O1 -g0 -fno-tree-vectorize" BUILD=build/pmu/arm64-stoke \
	HAVE_ZSTD=1 HAVE_IBERTY=0 HAVE_HWLOC=0 HAVE_JSONC=0 HAVE_PROTOBUFC=0 HAVE_CURL=0 HAVE_VTERM=0 \
	HAVE_CAPSTONE=0 build/pmu/arm64-stoke/stoke >build/pmu/arm64.log 2>&1 ||
	{ fail "building for arm64"; tail -n 20 build/pmu/arm64.log; finish; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/w"
cp build/pmu/arm64-stoke/stoke "$work/w/"
"$guest" arm64 cc -O1 -static -o "$work/w/loop" tests/pmu/loop.c
"$guest" arm64 cc -O1 -g -static -o "$work/w/burn" tests/pmu/burn.c
"$guest" arm64 cc -O1 -static -o "$work/w/tick" tests/pmu/tick.c
cat >"$work/script" <<'SCRIPT'
run() { echo "== $1"; shift; ./stoke stat -x, "$@" -- ./loop 2>/dev/null; }
run first -e '{cycles:u,instructions:u}'
run second -e '{cycles:u,instructions:u}'
run names -e CPU_CYCLES:u,INST_RETIRED:u,r8:u,armv8_pmuv3/inst_retired/u
run missing -e cache-misses:u,r13:u,L1D_CACHE_REFILL:u,branches:u
run metrics -g ipc,l1,branches
# Of the two functions: system calls, being exceptions, draw overflows that were noticed late.
split() { awk '/;spin_long/ { l += $NF } /;spin_short/ { s += $NF } END { if (l + s > 0) printf "share %.4f of %d\n", l / (l + s), l + s }'; }
# The first recording reads symbol tables for longer than the ring holds, under emulation.
./stoke record -f -q -o /tmp/warm.folded -- ./burn 0.2 >/dev/null 2>&1
echo "== by cycles"
./stoke record -q --call-graph fp -e cycles:u -c 100000 -- ./burn 0.5 2>/dev/null | split
echo "== by instructions"
# Odd periods: with round ones the ends of the loops and the overflows met in step, a point off.
./tick 99991 & tick=$!
sleep 0.05
./stoke record -q --call-graph fp -e instructions:u -c 70001 -- ./burn 1.5 2>/dev/null | split
kill $tick
echo "== graded"
./stoke doctor --grade --ascii 2>&1
run marked -e instructions:u,cycles:u,r8:u,armv8_pmuv3/inst_retired/u -g ipc
echo "== unwinding"
./stoke record -f -v --unwinder check -e cycles:u -c 1000000 -o /tmp/a.folded -- ./burn 0.5 2>&1 | grep "beside libunwind"
SCRIPT
"$guest" arm64 run "$work/w" "$work/script" >"$work/out"
status "the guest" $? "$work/out"
count() { section "$work/out" "$1" | awk -F, -v e="$2" '$4 == e { print $5 }'; }
instructions=$(count first instructions:u)
tolerance=0.001
near "30,000,000 instructions and what starts a program" 30010000 "$instructions"
# To some instructions: what starts a program looks at addresses that differ from run to run.
tolerance=0.000001
near "the same in every run" "${instructions:-1}" "$(count second instructions:u)"
near "two cycles an instruction" 2 "$(awk -v c="$(count first cycles:u)" -v i="${instructions:-1}" 'BEGIN { print c / i }')"
for event in INST_RETIRED:u r8:u armv8_pmuv3/inst_retired/u; do
	near "$event" "${instructions:-1}" "$(count names $event)" 0.001
done
near "CPU_CYCLES:u" "$(count first cycles:u)" "$(count names CPU_CYCLES:u)" 0.001
for event in cache-misses:u r13:u L1D_CACHE_REFILL:u branches:u; do
	field "$event is unavailable, not 0" unavailable "$work/out" missing $event 9
done
value "IPC" 0.5 "$work/out" metrics IPC
for metric in "accesses that miss L1" "branches predicted wrongly"; do
	field "$metric is unavailable" unavailable "$work/out" metrics "$metric" 9
done
share() { section "$work/out" "$1" | awk '$1 == "share" { print $2 }'; }
near "75 % by cycles" 0.75 "$(share "by cycles")" 0.0133
near "75 % by instructions" 0.75 "$(share "by instructions")" 0.0133
# Grades: the emulator's instructions are exact, its cycles are none, and most events it has not.
for event in instructions:u r08:u page-faults:u; do mark "right: $event" A "$work/out" graded $event; done
mark "cycles that follow instructions" F "$work/out" graded cycles:u
mark "a raw event that is never counted" F "$work/out" graded r75:u
said "it has its reason" "r75:u F 0 counted of .* It stays 0" "$work/out" graded
said "an event that is not there has no mark" "- cache-misses:u Cannot open" "$work/out" graded
for event in instructions:u r8:u armv8_pmuv3/inst_retired/u; do
	field "marked: $event" A "$work/out" marked $event 12
done
field "marked: cycles" F "$work/out" marked cycles:u 12
field "marked: IPC" F "$work/out" marked IPC 12
unwinding_agrees "$work/out"
finish
