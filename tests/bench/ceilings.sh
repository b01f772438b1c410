#!/bin/bash
# Ceilings beside likwid-bench in the same minutes: FMA within 3 %, bandwidth within 5 %.
# Usage: tests/bench/ceilings.sh [STOKE] [ROUNDS]
# Both sides are the best of many short runs, in turns: on a busy machine only those say anything.
set -u
cd "$(dirname "$0")/../.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
rounds=${2:-3}
command -v likwid-bench >/dev/null || { echo "SKIP likwid-bench is not here; apt-get install likwid"; exit 0; }
width=avx name=avx2 fma=avx_fma
grep -qw avx512f /proc/cpuinfo && width=avx512 name=avx512 fma=avx512_fma
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Large pages for both: with small ones address translation is measured instead of memory.
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1
# our name, likwid-bench's test, its working set, iterations for some milliseconds, what it prints
cases="fma.f32-$name peakflops_sp_$fma 16kB 1000 MFlops/s:
fma.f64-$name peakflops_$fma 16kB 1000 MFlops/s:
read.L1 load_$width 24kB 20000 MByte/s:
write.L1 store_$width 24kB 20000 MByte/s:
copy.L1 copy_$width 24kB 20000 MByte/s:
triad.L1 stream_$width 24kB 20000 MByte/s:
read.L2 load_$width 256kB 1000 MByte/s:
copy.L2 copy_$width 256kB 1000 MByte/s:
triad.L2 stream_$width 256kB 1000 MByte/s:
read.DRAM load_$width 128MB 1 MByte/s:
copy.DRAM copy_$width 128MB 1 MByte/s:
copy-nt.DRAM copy_mem_$width 128MB 1 MByte/s:
triad-nt.DRAM stream_mem_$width 128MB 1 MByte/s:"
for _ in $(seq "$rounds"); do
	"$stoke" bench -q --threads 1 --json >>"$work/ours"
	while read -r ours test set iterations unit; do
		for _ in 1 2 3 4 5; do
			likwid-bench -t "$test" -w "S0:$set:1" -i "$iterations" 2>/dev/null |
				awk -v unit="$unit" '$1 == unit { print $2 }' >>"$work/$ours"
		done
	done <<<"$cases"
done
printf '%-16s %9s   %-26s %9s  difference (MFLOP/s, MB/s)\n' stoke "" likwid-bench ""
while read -r ours test _; do
	theirs=$(sort -g "$work/$ours" | tail -1)
	python3 - "$ours" "$test" "${theirs:-0}" "$work/ours" <<'PYTHON'
import json, sys
name, test, theirs, path = sys.argv[1:]
values = [row["value"] for line in open(path) for row in json.loads(line)["ceilings"]
          if row["name"] == name and row["threads"] == 1 and row["value"]]
if not values or not float(theirs):
    print(f"{name:16} {test:26} not measured on both sides")
else:
    ours, theirs = max(values) / 1e6, float(theirs)
    print(f"{name:16} {ours:9.0f}   {test:26} {theirs:9.0f}  {(ours / theirs - 1) * 100:+.1f} %")
PYTHON
done <<<"$cases"
