#!/bin/bash
# Counting and sampling in an x86 guest with a PMU: every ratio within 1 % of its one right answer,
# in groups, in turns (multiplexed), by the kernel's names and by libpfm4's.
# Usage: tests/pmu/x86.sh STOKE
set -u
stoke=$(realpath "${1:-build/release/stoke}")
[ -x "$stoke" ] || { echo "there is no $stoke: run make"; exit 1; }
cd "$(dirname "$0")" || exit 1
# shellcheck source=tests/pmu/judge.sh
. ./judge.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -O1 -g -static -o "$work/burn" burn.c || exit 1
burn=$work/burn
perf=$(command -v perf || true)

cat >"$work/generic" <<SCRIPT
run() { echo "== \$1"; shift; $stoke stat -x, "\$@" -- $burn 0.3 2>/dev/null; }
run group -e '{cycles,instructions,cache-references,cache-misses,branches,branch-misses}'
run l1 -e '{L1-dcache-loads,L1-dcache-load-misses,LLC-loads,LLC-load-misses},{dTLB-loads,dTLB-load-misses}'
run never -e '{branches,L1-dcache-loads,L1-dcache-load-misses,LLC-loads,LLC-load-misses,dTLB-loads}'
run turns -e cycles,instructions,cache-references,cache-misses,branches,branch-misses,L1-dcache-loads,L1-dcache-load-misses,LLC-loads,LLC-load-misses,dTLB-loads,dTLB-load-misses
run sysfs -e '{cpu/cpu-cycles/,cpu/event=0xc0/,cpu/config=0x412e/u}'
run metrics -g ipc,branches,l1,llc,tlb
run large -e '{cycles,instructions,ref-cycles,cache-references,cache-misses,branches,branch-misses,bus-cycles,stalled-cycles-frontend}'
[ -z "$perf" ] || { echo "== perf"; $perf stat -x, -e '{cycles,instructions,cache-references,cache-misses,branches,branch-misses}' $burn 0.3 2>&1 >/dev/null; }
# The first recording reads symbol tables for longer than the ring holds, under emulation.
$stoke record -f -q -o /tmp/warm.folded -- $burn 0.2 >/dev/null 2>&1
for pair in cycles:2000000 instructions:3000000 cache-references:40000 cache-misses:4000 branches:600000 branch-misses:12000 L1-dcache-load-misses:25000 cpu-clock:1000000; do
	event=\${pair%:*}
	echo "== sampled \$event"
	$stoke record -q --call-graph fp -c \${pair#*:} -e \$event -- $burn 2 2>/dev/null | awk '{ n += \$NF } END { print "samples", n + 0 }'
done
together() {
	$stoke render --view functions --size 160x12 --ascii --color never \$1
	$stoke export --format csv \$1
	$stoke export --format lines \$1
	$stoke render --view functions --size 160x40 --ascii --color never --keys '/spin_long\\ram' \$1
}
group='{cycles,instructions,cache-references,cache-misses}:S'
echo "== together"
$stoke record -q --call-graph fp -c 2000000 -e \$group -o /tmp/together.stoke -- $burn 1 >/dev/null 2>&1
together /tmp/together.stoke
[ -z "$perf" ] || { echo "== imported"; $perf record -q -c 2000000 -g -e \$group -o /tmp/perf.data $burn 1 >/dev/null 2>&1; $stoke import -o /tmp/imported.stoke /tmp/perf.data >/dev/null 2>&1; together /tmp/imported.stoke; }
# What runs already: two that share the one CPU, one of them, and the whole machine.
$burn 1000 >/dev/null & one=\$!
$burn 1000 >/dev/null & two=\$!
attached() { echo "== \$1"; shift; $stoke stat -x, "\$@" 2>/dev/null; }
clocked='{task-clock,cycles,instructions,cache-references,cache-misses}'
attached processes -e \$clocked -p \$one,\$two -- sleep 0.3
attached thread -e \$clocked -t \$one --duration 300ms
attached machine -e \$clocked -a -- sleep 0.3
attached machine-turns -e cycles,instructions,cache-references,cache-misses,branches,branch-misses,L1-dcache-loads,L1-dcache-load-misses,LLC-loads,LLC-load-misses -a -- sleep 0.6
attached machine-metrics -g ipc,llc,clock -a -- sleep 0.3
[ -z "$perf" ] || { echo "== perf attached"; $perf stat -x, -e cycles,instructions -p \$one,\$two -- $stoke stat -x, -o /tmp/beside -e '{cycles,instructions}' -p \$one,\$two -- sleep 1 2>&1 >/dev/null; }
echo "== beside perf"
cat /tmp/beside
echo "== attached over time"
$stoke record -q --call-graph fp -F 99 -e cpu-clock -M ipc,llc -p \$one,\$two -o /tmp/attached.stoke -- sleep 0.6 >/dev/null 2>&1
$stoke export --format csv /tmp/attached.stoke
kill \$one \$two
SCRIPT
CPU=Nehalem ./guest_x86.sh "$work/generic" "$stoke" "$burn" ${perf:+"$perf"} >"$work/out"
status "the guest with generic events" $? "$work/out"
for part in group turns; do
	ratio "$part: instructions / cycles" 1.5 "$work/out" $part instructions cycles
	ratio "$part: cache-misses / cache-references" 0.1 "$work/out" $part cache-misses cache-references
	ratio "$part: branch-misses / branches" 0.02 "$work/out" $part branch-misses branches
done
for part in l1 turns; do
	ratio "$part: L1 misses / loads" 0.03125 "$work/out" $part L1-dcache-load-misses L1-dcache-loads
	ratio "$part: LLC misses / loads" 0.2 "$work/out" $part LLC-load-misses LLC-loads
	ratio "$part: TLB misses / loads" 0.0025 "$work/out" $part dTLB-load-misses dTLB-loads
done
ratio "sysfs names" 1.5 "$work/out" sysfs cpu/event=0xc0/ cpu/cpu-cycles/
ratio "sysfs raw config" 0.002 "$work/out" sysfs cpu/config=0x412e/u cpu/cpu-cycles/
ratio "a group that does not fit is counted apart" 1.5 "$work/out" large instructions cycles
text "a group that never gets counters is unavailable, not 0" '^event,,,L1-dcache-loads,,events,,0,unavailable,,"*It never got a counter' "$work/out" never
field "group: measured, not scaled" measured "$work/out" group cycles 9
field "turns: scaled, and said so" scaled "$work/out" turns cycles 9
value "IPC" 1.5 "$work/out" metrics IPC
value "branches predicted wrongly" 0.02 "$work/out" metrics "branches predicted wrongly"
value "loads that miss L1" 0.03125 "$work/out" metrics "loads that miss L1"
value "last cache" 0.1 "$work/out" metrics "requests that miss the last cache"
value "TLB" 0.0025 "$work/out" metrics "loads that miss the TLB"
if [ -n "$perf" ]; then
	same_as_perf "perf stat agrees" "$work/out" cycles instructions cache-references cache-misses branches branch-misses
else
	skip "perf stat agrees: there is no perf here"
fi
# A microsecond on a CPU is 2000 cycles, whoever runs; the threads' sum is what one CPU can do.
for part in processes thread machine; do
	ratio "$part: cycles a ns" 2 "$work/out" $part cycles task-clock
	ratio "$part: instructions / cycles" 1.5 "$work/out" $part instructions cycles
	ratio "$part: cache-misses / cache-references" 0.1 "$work/out" $part cache-misses cache-references
	field "$part: measured, not scaled" measured "$work/out" $part cycles 9
done
for part in processes machine; do
	near "$part: cycles of the time that passed" 2e9 "$(section "$work/out" $part | awk -F, '
		$4 == "elapsed" { s = $5 } $4 == "cycles" { c = $5 } END { if (s > 0) print c / s }')" 0.1
done
near "thread: half the CPU" 1e9 "$(section "$work/out" thread | awk -F, '
	$4 == "elapsed" { s = $5 } $4 == "cycles" { c = $5 } END { if (s > 0) print c / s }')" 0.2
ratio "machine, in turns: instructions / cycles" 1.5 "$work/out" machine-turns instructions cycles
ratio "machine, in turns: cache-misses / cache-references" 0.1 "$work/out" machine-turns cache-misses cache-references
field "machine, in turns: scaled, and said so" scaled "$work/out" machine-turns branches 9
value "machine: IPC" 1.5 "$work/out" machine-metrics IPC
value "machine: last cache" 0.1 "$work/out" machine-metrics "requests that miss the last cache"
field "machine: no clock rate" unavailable "$work/out" machine-metrics clock 9
attached_reading() { # METRIC: the mean of its values; nothing for less than three
	section "$work/out" "attached over time" | awk -F, -v m="$1" '$1 == "reading" && $4 == m { s += $6; n++ } END { if (n > 2) print s / n }'
}
near "attached, over time: IPC" 1.5 "$(attached_reading IPC)"
near "attached, over time: last cache" 0.1 "$(attached_reading "requests that miss the last cache")"
if [ -n "$perf" ]; then
	for event in cycles instructions; do
		near "perf stat -p agrees: $event" "$(section "$work/out" "perf attached" | awk -F, -v e=$event '
			{ sub(/:.*/, "", $3) } $3 == e { print $1 }')" "$(section "$work/out" "beside perf" | awk -F, -v e=$event '$4 == e { print $5 }')" 0.15
	done
else
	skip "perf stat -p agrees: there is no perf here"
fi
for event in cycles instructions cache-references cache-misses branches branch-misses L1-dcache-load-misses cpu-clock; do
	samples "samples of $event" 2000 "$work/out" "$event"
done

# Rates of functions, from groups that were read at each sample. Sums of events: CSV's columns 4 and 6;
# on the screen: share, share with callees, samples, IPC, misses, misses of 1000 instructions, name.
sums() { # PART EVENT EVENT
	section "$work/out" "$1" | awk -F, -v a="$2" -v b="$3" \
		'$1 == "series" && $4 == a { x = $6 } $1 == "series" && $4 == b { y = $6 } END { if (y > 0) print x / y }'
}
column() { # PART COLUMN
	section "$work/out" "$1" | awk -v c="$2" '$NF == "spin_long" { print $c; exit }'
}
# Of the line with most cycles: columns of `export --format lines`.
line_value() { # PART METRIC
	section "$work/out" "$1" | awk -F, -v m="$2" '$2 != "spin_long" { next }
		$5 == "cycles" && $6 > most { most = $6; line = $4 }
		{ value[$4, $5] = $6 } END { print value[line, m] }'
}
# Of the instruction with most samples: self, with callees, address, IPC ...
instruction_value() { # PART COLUMN
	section "$work/out" "$1" | awk -v c="$2" '$2 == "%" && $4 == "%" && $5 ~ /^[0-9a-f]+$/ && $6 ~ /^[0-9.]+$/ &&
		$1 > most { most = $1; value = $c } END { print value }'
}
for part in together ${perf:+imported}; do
	near "$part: IPC of a line" 1.5 "$(line_value $part IPC)"
	near "$part: cache misses of a line" 0.1 "$(line_value $part "cache misses")"
	near "$part: misses of 1000 instructions of a line" 1.3333 "$(line_value $part "cache-misses per 1000 instructions")"
	near "$part: IPC of an instruction" 1.5 "$(instruction_value $part 6)"
	near "$part: misses of an instruction, %" 10 "$(instruction_value $part 7)"
done
for part in together ${perf:+imported}; do
	near "$part: instructions / cycles" 1.5 "$(sums $part instructions cycles)"
	near "$part: cache-misses / cache-references" 0.1 "$(sums $part cache-misses cache-references)"
	near "$part: IPC of a function" 1.5 "$(column $part 6)"
	near "$part: misses of a function, %" 10 "$(column $part 7)"
	near "$part: misses of 1000 instructions of a function" 1.333 "$(column $part 9)"
done
near "together: all cycles of the program" 2e9 "$(section "$work/out" together | awk -F, '$1 == "series" && $4 == "cycles" { print $6 }')" 0.03
# Over time it is the bytes of all misses, however long the guest had to wait for its processor.
near "memory traffic by misses: 4 a microsecond, 64 bytes each" 256e6 "$(section "$work/out" together |
	awk -F, '$1 == "reading" && $4 == "memory.bandwidth" { s += $6 * ($2 - last); last = $2 } END { if (last) print s }')" 0.1

# libpfm4's tables for Skylake-X: of its numbers the PMU knows these to be the generic events.
cat >"$work/skylake" <<SCRIPT
run() { echo "== \$1"; shift; $stoke stat -x, "\$@" -- $burn 0.3 2>/dev/null; }
run metrics -g ipc,branches,llc,topdown,l1,l2,tlb
run names -e '{INST_RETIRED:ANY_P,CPU_CLK_UNHALTED:THREAD_P:u,MEM_LOAD_RETIRED:L1_MISS:upp}'
echo "== required"
$stoke stat --require hw,kernel -g ipc -x, -- $burn 0.1 2>&1; echo "status \$?"
echo "== unknown"
$stoke stat -e MEM_LOAD_RETIRED:L1_MIS -- true 2>&1
echo "== list"
$stoke list events L3_MISS
events=instructions,cycles,r00c0:u,branch-misses,L1-dcache-loads,L1-dcache-load-misses,LLC-loads
# Some rates now are right for loops of known instructions, others wrong by known amounts.
echo 1 >/sys/module/fakepmu/parameters/graded
echo "== graded"
$stoke doctor --grade --ascii 2>&1; echo "status \$?"
echo "== kept"
cat /tmp/.cache/stoke/grades-*
run marked -e \$events -g ipc,tlb
echo "== marked text"
$stoke stat --ascii -e \$events -g ipc,branches -- $burn 0.1 2>&1
echo "== marked json"
$stoke stat -j -e \$events -- $burn 0.1 2>&1
echo "== marked recording"
$stoke record -q --call-graph fp -e cycles:u -c 200000 -M ipc,llc -o /tmp/marked.stoke -- $burn 0.5 >/dev/null 2>&1
$stoke report /tmp/marked.stoke
$stoke export --format csv /tmp/marked.stoke | tr -d '\r'
$stoke render --view overview --size 160x20 --ascii --color never /tmp/marked.stoke
$stoke render --view counters --size 160x20 --ascii --color never /tmp/marked.stoke
SCRIPT
CPU=Skylake-Server ./guest_x86.sh "$work/skylake" "$stoke" "$burn" >"$work/out"
status "the guest with libpfm4's names" $? "$work/out"
value "skx IPC" 1.5 "$work/out" metrics IPC
value "skx branches" 0.02 "$work/out" metrics "branches predicted wrongly"
value "skx last cache" 0.1 "$work/out" metrics "requests that miss the last cache"
ratio "skx names" 1.5 "$work/out" names INST_RETIRED:ANY_P CPU_CLK_UNHALTED:THREAD_P:u
# Any other number n counts 1 + (7 * event + 13 * umask) mod 97 a microsecond: 0xd1, 8 is 16.
ratio "skx precise" 0.008 "$work/out" names MEM_LOAD_RETIRED:L1_MISS:upp CPU_CLK_UNHALTED:THREAD_P:u
# 0xd0, 0x81 is 30.
value "skx loads that miss L1" 0.533333 "$work/out" metrics "loads that miss L1"
text "skx --require hw,kernel" "^status 0" "$work/out" required
text "skx suggests" "did you mean L1_MISS" "$work/out" unknown
text "skx lists" "MEM_LOAD_RETIRED:L3_MISS" "$work/out" list

# Grades: what counts right, a little wrong, wrong, nothing, or another thing by a raw number.
text "grading succeeds" "^status 0" "$work/out" graded
for event in instructions:u INST_RETIRED:ANY_P:u branches:u BR_INST_RETIRED:ALL_BRANCHES:u page-faults:u task-clock; do
	mark "right: $event" A "$work/out" graded $event
done
mark "3 % too many" B "$work/out" graded L1-dcache-load-misses:u
mark "a tenth too many" C "$work/out" graded L1-dcache-loads:u
for event in cycles:u CPU_CLK_UNHALTED:THREAD_P:u cache-misses:u branch-misses:u; do
	mark "wrong: $event" F "$work/out" graded $event
done
mark "a raw number that is another event here" F "$work/out" graded FP_ARITH_INST_RETIRED:SCALAR_DOUBLE:u
said "too many has its reason" "cycles:u F .*: +3[45][0-9.]* %. It counts 4.[45][0-9]* times as much as its name says" "$work/out" graded
said "too few has its reason" "FP_ARITH_INST_RETIRED:SCALAR_DOUBLE:u F .* It counts only 0.1[0-9]* of what its name says" "$work/out" graded
said "nothing has its reason" "branch-misses:u F 0 counted of 100,000 .*: -100.00 %. It stays 0" "$work/out" graded
said "a tenth has its reason" "Good for comparisons, not for absolute numbers" "$work/out" graded
text "they are kept" "^A 0 1 .* instructions:u$" "$work/out" kept
field "no mark before" "" "$work/out" names INST_RETIRED:ANY_P 12
for pair in instructions:A cycles:F branch-misses:F L1-dcache-loads:C L1-dcache-load-misses:B; do
	field "csv: ${pair%:*}" "${pair#*:}" "$work/out" marked "${pair%:*}" 12
	text "json: ${pair%:*}" "\"name\":\"${pair%:*}\",[^{}]*\"trust\":\"${pair#*:}\"" "$work/out" "marked json"
	text "text: ${pair%:*}" " ${pair%:*} .*(trust ${pair#*:})" "$work/out" "marked text"
done
field "csv: by its number" A "$work/out" marked r00c0:u 12
field "csv: an event of a metric group" A "$work/out" marked INST_RETIRED:ANY_P 12
field "csv: a metric is as good as its worst event" F "$work/out" marked IPC 12
field "csv: a metric of an event without a mark has none" "" "$work/out" marked "page walks of fetches" 12
text "text: a metric" " IPC .*(trust F)" "$work/out" "marked text"
said "text: the reason" "note: cycles has trust F. It counts 4.[45][0-9]* times" "$work/out" "marked text"
text "report: the mark" "samples of cycles:u (trust F (+3" "$work/out" "marked recording"
text "export: the mark" '^series,.*,cycles:u,.*,F (+3[0-9.]* %)$' "$work/out" "marked recording"
text "overview: the mark" "Sampling .* cycles:u (trust F (+3" "$work/out" "marked recording"
# Metric groups over time, by the rates that make some counters wrong: 500 / 2000 and 4 / 40.
reading() { # METRIC: the mean of its values; nothing for less than three
	section "$work/out" "marked recording" | awk -F, -v m="$1" '$1 == "reading" && $4 == m { s += $6; n++ } END { if (n > 2) print s / n }'
}
near "over time: IPC" 0.25 "$(reading IPC)"
near "over time: last cache" 0.1 "$(reading "requests that miss the last cache")"
text "over time: the screen" "^[*%] IPC  *0.25" "$work/out" "marked recording"
text "over time: the mark" '^series,.*,IPC,.*,F$' "$work/out" "marked recording"
finish
