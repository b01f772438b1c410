#!/bin/bash
# Ceilings beside likwid-bench in the same minutes: FMA within 3 %, bandwidth within 5 %.
# Usage: tests/bench/ceilings.sh [STOKE] [ROUNDS]
# In short turns, because neighbours on the same memory come and go by the minute: the best ones, which
# alone say anything on a busy machine, and the medians, which say how busy it was. Like beside like: as
# many bytes, which are ours unless stoke says otherwise; -nt, as likwid-bench's _mem_ tests, stores past
# the caches, and all others do not. Where stores go past the caches it matters how far arrays lie
# apart (at whole pages -nt copies are a tenth slower), so likwid-bench is told to skip a little too.
set -u
cd "$(dirname "$0")/../.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
rounds=${2:-8}
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
copy-nt.DRAM copy_mem_$width 128MB 1 MByte/s: -0:S0:0,1:S0:160
triad-nt.DRAM stream_mem_$width 128MB 1 MByte/s: -0:S0:0,1:S0:160,2:S0:320"
bytes_of() { # NAME; what our arrays are together
	python3 -c 'import json, sys
rows = [row for row in json.loads(open(sys.argv[1]).readline())["ceilings"] if row["name"] == sys.argv[2]]
print("%dkB" % (rows[0]["bytes_per_thread"] // 1000) if rows and rows[0].get("bytes_per_thread") else "")' "$work/ours" "$1"
}
for _ in $(seq "$rounds"); do
	"$stoke" bench -q --threads 1 --json >>"$work/ours"
	while read -r ours test set iterations unit apart; do
		same=$(bytes_of "$ours")
		set=${same:-$set}
		for _ in 1 2 3 4 5; do
			likwid-bench -t "$test" -w "S0:$set:1${apart:-}" -i "$iterations" 2>/dev/null |
				awk -v unit="$unit" '$1 == unit { print $2 }' >>"$work/$ours"
		done
	done <<<"$cases"
done
printf '%-16s %26s   %-42s %s\n' "MFLOP/s, MB/s" "stoke: best, median" "likwid-bench: best, median; stores" "differences"
while read -r ours test _; do
	python3 - "$ours" "$test" "$work/$ours" "$work/ours" <<'PYTHON'
import json, statistics, sys
name, test, their_path, our_path = sys.argv[1:]
rows = [row for line in open(our_path) for row in json.loads(line)["ceilings"]
        if row["name"] == name and row["threads"] == 1 and row["value"]]
theirs = [float(line) for line in open(their_path)]
if not rows or not theirs:
    print(f"{name:16} {test:26} not measured on both sides")
else:
    best, middle = max(row["value"] for row in rows) / 1e6, statistics.median(row["median"] for row in rows) / 1e6
    their_best, their_middle = max(theirs), statistics.median(theirs)
    stores = "past the caches" if "-nt" in name else "-" if name[:3] in ("fma", "rea") else "to the caches"
    print(f"{name:16} {best:12.0f} {middle:12.0f}   {test:22} {their_best:9.0f} {their_middle:9.0f} {stores:15}"
          f"  {(best / their_best - 1) * 100:+.1f} % {(middle / their_middle - 1) * 100:+.1f} %")
PYTHON
done <<<"$cases"
