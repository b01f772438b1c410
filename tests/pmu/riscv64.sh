#!/bin/bash
# stoke built for riscv64, in a guest whose TLB misses follow what the code does: they must land in
# the function that misses. Unwinding as well, and events the PMU has not.
# Usage: tests/pmu/riscv64.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/pmu/judge.sh
. tests/pmu/judge.sh
guest=tests/pmu/guest_cross.sh
"$guest" riscv64 setup || { fail "setting the guest up"; finish; }
# The libraries that are optional are left out. Little is optimised, and nothing debugged: it is there
# sooner.
make --no-print-directory -j2 CI= CC="$PWD/$guest riscv64 cc" CFLAGS="-O1 -g0" BUILD=build/pmu/riscv64-stoke \
	HAVE_ZSTD=1 HAVE_IBERTY=0 HAVE_HWLOC=0 HAVE_JSONC=0 HAVE_PROTOBUFC=0 HAVE_CURL=0 HAVE_VTERM=0 \
	HAVE_CAPSTONE=0 build/pmu/riscv64-stoke/stoke >build/pmu/riscv64.log 2>&1 ||
	{ fail "building for riscv64"; tail -n 20 build/pmu/riscv64.log; finish; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/w"
cp build/pmu/riscv64-stoke/stoke "$work/w/"
"$guest" riscv64 cc -O1 -g -fno-omit-frame-pointer -o "$work/w/walk" tests/pmu/walk.c
"$guest" riscv64 cc -O1 -g -o "$work/w/burn" tests/pmu/burn.c
cat >"$work/script" <<'SCRIPT'
echo "== counts"
./stoke stat -x, -e cycles:u,instructions:u,dTLB-load-misses:u,iTLB-load-misses:u,LLC-load-misses:u -- ./walk 2>/dev/null
# The miss is of the innermost user frame: on a busy host the interrupt that tells of it can itself be
# interrupted, and then the kernel's frames lie above. And the guest's only CPU may come to the recorder
# late: what the ring could not hold is told as [lost], and is nowhere.
share() { awk -v hot="$1" '/;\[lost\] [0-9]+$/ { next } { all += $NF; if ($0 ~ hot "(;handle_exception;[^ ]*)? [0-9]+$") of += $NF } END { if (all > 0) printf "share %.4f of %d\n", of / all, all }'; }
# The first recording reads symbol tables for longer than the ring holds, under emulation.
./stoke record -q -o /tmp/warm.folded -- ./burn 0.2 >/dev/null 2>&1
echo "== misses by chain"
./stoke record -q --call-graph fp -e dTLB-load-misses:u -c 200 -- ./walk 2>/dev/null | share ';walk_pages'
echo "== misses by stack"
./stoke record -q --call-graph dwarf,4096 -e dTLB-load-misses:u -c 200 -- ./walk 2>/dev/null | tee /tmp/misses | share ';walk_pages'
echo "== elsewhere"
grep -vE ';walk_pages[; ]' /tmp/misses | awk '{ print $NF, $0 }' | sort -rn | head -5 | cut -c1-150
echo "== callers"
share ';main;walk_pages' </tmp/misses
echo "== unwinding"
./stoke record -v --unwinder check -e cpu-clock -F 499 -o /tmp/a.folded -- ./burn 2 2>&1 | grep "beside libunwind"
SCRIPT
"$guest" riscv64 run "$work/w" "$work/script" >"$work/out"
status "the guest" $? "$work/out"
count() { section "$work/out" counts | awk -F, -v e="$1" '$4 == e { print $5 }'; }
# 20 walks over 16,384 pages and what the start of a program touches. The emulator makes its TLB larger
# by what was missed in 0.1 s of the host's time: a busy host misses some walks less (16 were left).
near "a miss a page, but for those the emulator forgets" 327680 "$(count dTLB-load-misses:u)" 0.4
field "LLC-load-misses is unavailable, not 0" unavailable "$work/out" counts LLC-load-misses:u 9
share() { section "$work/out" "$1" | awk '$1 == "share" { print $2 }'; }
near "misses are in the walk, by the kernel's chain" 1 "$(share "misses by chain")" 0.01
lost=$(section "$work/out" elsewhere | awk '/;\[lost\]/ { print $1 }')
[ -z "$lost" ] || echo "$lost of some 1,640 samples were lost on the way, this host being busy"
near "misses are in the walk, by unwinding" 1 "$(share "misses by stack")" 0.01
near "the walk is called by main" 1 "$(share callers)" 0.01
[ "${n_failed:-0}" = 0 ] || section "$work/out" elsewhere
unwinding_agrees "$work/out"
finish
