#!/bin/bash
# All guests with a PMU; the last line counts what was checked in them.
# Usage: tests/pmu/test.sh STOKE
set -u
here=$(dirname "$0")
log=$(mktemp)
trap 'rm -f "$log" "$log.x86" "$log.fetch"' EXIT
said() { # FILE: what a guest's test printed; one that died before it counted has failed once
	grep -qE '^[0-9]+ passed, ' "$1" || echo "0 passed, 1 failed, 0 skipped" >>"$1"
	tee -a "$log" <"$1"
	rm -f "$1"
}
# An emulated machine is one thread of the host: this one runs beside the others.
"$here/x86.sh" "$1" >"$log.x86" 2>&1 &
# What the last one needs is fetched while the others are built.
"$here/guest_cross.sh" riscv64 setup >"$log.fetch" 2>&1 &
fetch=$!
for arch in arm64 riscv64; do
	[ $arch = arm64 ] || wait $fetch # where it failed, the test tries again and says why
	echo "== $here/$arch.sh"
	"$here/$arch.sh" >"$log.one" 2>&1
	said "$log.one"
done
wait
echo "== $here/x86.sh $1"
said "$log.x86"
awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$log"
