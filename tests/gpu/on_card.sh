#!/bin/bash
# Everything that only a card can prove, on a machine with one NVIDIA GPU and a CUDA toolkit, in less
# than 8 minutes and without a network: builds stoke, then one function a question, each of which says
# ok, FAIL or SKIP with its figures. What they saw stays in FOLDER, the recordings too: FOLDER/kept.stoke
# is small enough for tests/data. Without a device every part is skipped with the reason.
# Usage: tests/gpu/on_card.sh FOLDER [PART...]      status 1 if a part failed
#   CASES=2 fewer kernels beside Nsight Compute; LAUNCHES=20000 of the slow-down; SANITIZER_SECONDS=30 for
#   each tool of compute-sanitizer; STOKE_TEST_CUDA a libstoke-cuda.so of another build
set -u
[ $# -ge 1 ] || { echo "Usage: tests/gpu/on_card.sh FOLDER [PART...]"; exit 2; }
mkdir -p "$1" || exit 2
out=$(realpath "$1")
shift
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build/release}
stoke=$PWD/$build/stoke
library=${STOKE_TEST_CUDA:-$PWD/$build/libstoke-cuda.so}
card=$out/on_card
device="" reason=""
n_passed=0 n_failed=0 n_skipped=0
parts=(emulated_tests trace kernel_times joined attached pytorch slow_down copies norm ladder bf16 pm_dram stalls
	view sanitizer)
export STOKE_CUDA_LIBRARY=$library
export XDG_STATE_HOME=$out/state XDG_CONFIG_HOME=$out/none # nobody's settings, ceilings of this run

say() { # ok|FAIL|SKIP PART TEXT
	case $1 in
	ok) n_passed=$((n_passed + 1)) ;;
	FAIL) n_failed=$((n_failed + 1)) ;;
	SKIP) n_skipped=$((n_skipped + 1)) ;;
	esac
	printf '%-4s %-15s %s\n' "$1" "$2" "$3" | tee -a "$out/summary.txt"
}
judge() { # PART TEXT: an awk expression is read from stdin; true = ok
	if awk "BEGIN { exit !($(cat)) }"; then say ok "$1" "$2"; else say FAIL "$1" "$2"; fi
}
median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }
record() { # FILE OPTIONS...: as the user would; its messages go beside it
	local file=$1
	shift
	timeout 60 "$stoke" record -q -f -o "$file" "$@" >"$file.log" 2>&1
}
rows() { # FILE: metrics as CSV without carriage returns, quoted commas made underscores
	"$stoke" export -f --format csv -o "$1.csv" "$1" 2>>"$1.log" && tr -d '\r' <"$1.csv" | awk '{
		line = ""; quoted = 0
		for (i = 1; i <= length($0); i++) {
			c = substr($0, i, 1)
			if (c == "\"") { quoted = !quoted; continue }
			line = line (quoted && c == "," ? "_" : c)
		}
		print line
	}'
}
fact() { # FILE KEY: a fact of the recording, "" = none
	"$stoke" export -f --format chrome -o "$1.json" "$1" 2>>"$1.log" &&
		grep -o "\"$2\":\"[^\"]*\"" "$1.json" | head -1 | cut -d'"' -f4
}
notes() { # FILE: what it says of trouble
	"$stoke" render --view notes --size 160x50 --color never "$1" 2>/dev/null | sed 's/ *$//' | grep . | tail -n +2 | head -20
}

# ---- what is here
prepare() {
	local log=$out/build.log
	: >"$out/summary.txt"
	if make -j"$(nproc)" MODE="$(basename "$build")" all >"$log" 2>&1; then
		say ok build "make all, $(grep -c . "$log") lines of log"
	elif [ -x "$stoke" ]; then
		say SKIP build "make failed ($(tail -1 "$log")); what was built before is used"
	else
		say FAIL build "$(tail -1 "$log")"
	fi
	if [ ! -x "$stoke" ]; then
		reason="there is no stoke"
	elif [ ! -e "$library" ]; then
		reason="there is no libstoke-cuda.so: nvcc was not found (make features)"
	elif ! cc -std=c17 -O2 -D_GNU_SOURCE -I. -o "$card" tests/gpu/on_card.c kernels/support/gemm_task.c -ldl >"$out/on_card.log" 2>&1; then
		reason="on_card.c does not compile"
		say FAIL build "$reason: $(grep -m1 error "$out/on_card.log")"
	elif ! device=$("$card" "$library" device 2>&1); then
		reason=$device
		device=""
	fi
	"$stoke" doctor >"$out/doctor.txt" 2>&1
	[ -z "$device" ] || say ok device "$device"
	command -v nvidia-smi >/dev/null && nvidia-smi >"$out/nvidia-smi.txt" 2>&1
}

# ---- the kernels are right
emulated_tests() {
	local test bad="" n=0 log=$out/emulated_tests.txt
	: >"$log"
	rm -f "$log".*
	make -j"$(nproc)" MODE="$(basename "$build")" build/features.mk \
		"$build"/tests/test_cuda{,_arrays,_weights,_tensor,_rows,_product,_training} >>"$log" 2>&1 ||
		{ say SKIP emulated_tests "the tests do not build: $(tail -1 "$log")"; return; }
	for test in "$build"/tests/test_cuda{,_arrays,_weights,_tensor,_rows,_product,_training}; do
		(STOKE_TEST_CUDA=$library timeout 120 "$test" >"$log.$(basename "$test")" 2>&1 ||
			basename "$test" >>"$log.bad") & # most of their time is the fp64 they compare with
		n=$((n + 1))
	done
	wait
	cat "$log".test_cuda* >>"$log"
	bad=$(cat "$log.bad" 2>/dev/null)
	if [ -z "$bad" ]; then
		say ok emulated_tests "$n programs, $(grep -c '^\[       OK' "$log") tests on the device against fp64"
	else
		say FAIL emulated_tests "$bad: $(grep -m1 -A1 'ERROR' "$log" | tr '\n' ' ')"
	fi
}

# ---- one trace, as a user makes it, small enough to keep
trace() {
	local file=$out/kept.stoke bytes
	record "$file" --gpu-metrics 100 mlp device=cuda seconds=2 || :
	[ -s "$file" ] || { say FAIL trace "$(tail -1 "$file.log")"; return; }
	bytes=$(wc -c <"$file")
	notes "$file" >"$out/trace-notes.txt"
	echo "$bytes < 2000000 && $(fact "$file" gpu.spans | grep . || echo 0) > 100" |
		judge trace "$bytes bytes, $(fact "$file" gpu.spans) spans, $(fact "$file" gpu.unmatched) unmatched, $(rows "$file" | awk -F, '$1 == "reading" && $19 == "pm"' | wc -l) readings of counters"
}

# ---- kernel times: Nsight Compute's, else the device's own events
kernels=("triad loop=copy size=3000" "triad loop=triad size=3000" "gemm n=4096 variant=warps"
	"gemm n=4096 variant=tiled" "gemm type=bf16 n=8192" "norm size=2048" "norm kind=softmax size=2048"
	"norm kind=layernorm size=2048" "transpose n=16384" "attention tokens=4096 heads=8")
[ -z "${STOKE_ON_CARD_SMALL:-}" ] || kernels=("gemm n=64" "norm size=0.05 n=128") # for the emulated library
spans_of() { # FILE: median nanoseconds and name of the kernel that took the most time
	rows "$1" | awk -F, '$1 == "span" && $19 == "cupti" && $20 ~ /^GPU/ && $5 !~ /^(copy|fill)/ { t[$5] += $3 } END {
		for (k in t) if (t[k] > most) { most = t[k]; best = k } print best }' >"$1.name"
	rows "$1" | awk -F, -v name="$(cat "$1.name")" '$1 == "span" && $19 == "cupti" && $5 == name { printf "%.0f\n", $3 * 1e9 }' | median
}
events_of() { # FILE: median nanoseconds that the workload timed by events
	rows "$1" | awk -F, '$1 == "reading" && $4 == "kernel us" { print $6 * 1000 }' | median
}
ncu_of() { # WORDS: median nanoseconds of the kernel of the file "name" by Nsight Compute
	# shellcheck disable=SC2086 # words of a workload
	ncu --csv --print-units base --clock-control none --cache-control none --metrics gpu__time_duration.sum \
		"$stoke" workload $1 device=cuda repeats=5 2>>"$out/ncu.log" | tee -a "$out/ncu.csv" | ncu_values | tail -5 | median
}
ncu_values() { # "...","gpu__time_duration.sum","ns","1,234,567": without the commas
	awk -F '","' '/gpu__time_duration.sum/ { v = $NF; gsub(/[",\r]/, "", v); print v }'
}
kernel_times() {
	local words file ours theirs by=events worst=0 n=0 table=$out/kernel_times.txt
	command -v ncu >/dev/null && by=ncu
	printf '%-34s %12s %12s %8s\n' workload "stoke ns" "$by ns" difference >"$table"
	for words in "${kernels[@]:0:${CASES:-10}}"; do
		file="$out/times-$n.stoke"
		# shellcheck disable=SC2086
		record "$file" $words device=cuda repeats=20 || :
		ours=$(spans_of "$file")
		if [ $by = ncu ]; then theirs=$(ncu_of "$words"); else theirs=$(events_of "$file"); fi
		[ -n "${ours:+$theirs}" ] || { say FAIL kernel_times "$words: no time ($(tail -1 "$file.log"))"; return; }
		awk -v w="$words" -v a="$ours" -v b="$theirs" 'BEGIN { printf "%-34s %12.0f %12.0f %+7.2f %%\n", w, a, b, 100 * (a / b - 1) }' >>"$table"
		n=$((n + 1))
	done
	worst=$(awk 'NR > 1 { d = $(NF - 1); d = d < 0 ? -d : d; if (d > w) w = d } END { print w + 0 }' "$table")
	echo "$worst <= 2" | judge kernel_times "$n kernels, at worst $worst % from $by (limit 2 %)"
}

# ---- launches joined to stacks
share_joined() { # FILE
	local matched unmatched
	matched=$(fact "$1" gpu.matched)
	unmatched=$(fact "$1" gpu.unmatched)
	[ -n "$matched" ] || { echo "no trace"; return 1; }
	awk -v m="$matched" -v u="${unmatched:-0}" 'BEGIN { printf "%.4f %d", m + u ? 100 * m / (m + u) : 0, m + u }'
}
joined() {
	local words file share least=100 n=0 total=0
	for words in "launches variant=each repeats=50" "launches variant=graph repeats=50" "mlp seconds=2" \
		"gpt seconds=2" "norm variant=unfused size=64 repeats=200"; do
		file=$out/joined-$n.stoke
		# shellcheck disable=SC2086
		record "$file" $words device=cuda || :
		share=$(share_joined "$file") || { say FAIL joined "$words: $share ($(tail -1 "$file.log"))"; return; }
		echo "$words: $share" >>"$out/joined.txt"
		least=$(awk -v a="$least" -v b="${share% *}" 'BEGIN { print b < a ? b : a }')
		total=$((total + ${share#* }))
		n=$((n + 1))
	done
	echo "$least >= 99.9" | judge joined "$total kernels and copies of $n workloads, at least $least % (limit 99.9 %)"
}
# ---- a profiler comes to what runs, is killed, comes again; the program ends as if nothing had been
attached() {
	local file=$out/attached share least=100 i pid status
	CUDA_INJECTION64_PATH=$PWD/$build/libstoke-cupti.so "$stoke" workload mlp device=cuda seconds=20 \
		>"$out/attached.log" 2>&1 &
	pid=$!
	sleep 4 # until CUDA has begun
	for i in 1 2; do
		record "$file-$i.stoke" --gpu-stalls -p $pid --duration 3s
		notes "$file-$i.stoke" >"$file-$i-notes.txt"
		share=$(share_joined "$file-$i.stoke") || { say FAIL attached "$share ($(head -1 "$file-$i-notes.txt"))"; kill $pid; return; }
		least=$(awk -v a="$least" -v b="${share% *}" 'BEGIN { print b < a ? b : a }')
		timeout -s KILL 1 "$stoke" record -q -f -o "$file-killed.stoke" -p $pid >/dev/null 2>&1
	done
	wait $pid
	status=$?
	# what runs as the profiler comes has no launch that it knows
	echo "$least >= 99 && $status == 0" | judge attached "attached twice and killed twice: ${share#* } kernels and copies the second time, at least $least % joined (limit 99 %), $(fact "$file-2.stoke" gpu.stalls), status $status"
}
pytorch() {
	local file=$out/pytorch.stoke share
	python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null ||
		{ say SKIP pytorch "python3 has no torch with CUDA here"; return; }
	cat >"$out/step.py" <<'P'
import torch
model = torch.nn.Sequential(*[torch.nn.Linear(512, 512) for _ in range(8)]).cuda()
optimizer = torch.optim.Adam(model.parameters())
x, y = torch.randn(256, 512, device="cuda"), torch.randn(256, 512, device="cuda")
for _ in range(100):
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(model(x), y).backward()
    optimizer.step()
torch.cuda.synchronize()
P
	record "$file" -- python3 "$out/step.py" || :
	share=$(share_joined "$file") || { say FAIL pytorch "$share ($(tail -1 "$file.log"))"; return; }
	echo "${share% *} >= 99.9" | judge pytorch "${share#* } pieces of work, ${share% *} % joined (limit 99.9 %)"
}

# ---- what profiling costs
slow_down() {
	local steps n=${LAUNCHES:-20000} alone profiled
	steps=$("$card" "$library" calibrate) || { say FAIL slow_down "$steps"; return; }
	: >"$out/alone.txt" && : >"$out/profiled.txt"
	for _ in 1 2 3 4 5; do
		"$card" "$library" pace "$steps" "$n" >>"$out/alone.txt"
		"$stoke" record -q -f -o "$out/pace.stoke" -- "$card" "$library" pace "$steps" "$n" \
			2>>"$out/profiled.txt" >>"$out/profiled.txt"
	done
	alone=$(median <"$out/alone.txt")
	profiled=$(grep -E '^[0-9.]+$' "$out/profiled.txt" | median)
	[ -n "$profiled" ] || { say FAIL slow_down "$(tail -1 "$out/profiled.txt")"; return; }
	echo "$profiled / $alone <= 1.02" | judge slow_down "$(awk -v n="$n" -v a="$alone" -v p="$profiled" 'BEGIN {
		printf "%.0f launches a second: %+.2f %% (%.3f s alone, %.3f s profiled; limit 2 %%)", n / a, 100 * (p / a - 1), a, p }')"
}

# ---- how fast they are
copies() {
	timeout 120 "$stoke" bench --json --threads 1 -r 5 >"$out/bench.json" 2>"$out/bench.log" ||
		{ say FAIL copies "$(tail -1 "$out/bench.log")"; return; }
	"$stoke" bench --cached >"$out/bench.txt" 2>/dev/null
	if grep -q 'copy.DRAM' "$out/bench.json" && grep -q 'fma.f32-cuda' "$out/bench.json"; then
		say ok copies "ceilings of the device measured: bench.json"
	else
		say FAIL copies "no ceilings of the device: $(tail -1 "$out/bench.log")"
	fi
}
norm() {
	local text=$out/norm.txt
	"$card" "$library" norm >"$text" 2>&1 || { say FAIL norm "$(tail -1 "$text")"; return; }
	awk '$1 == "rmsnorm" && $2 == "vectorised" { print $5 " >= 75" }' "$text" |
		judge norm "$(tr '\n' ';' <"$text") limit 75 % of the copy"
}
ladder() {
	local text=$out/ladder.txt best theirs steps
	"$card" "$library" ladder >"$text" 2>&1 || { say FAIL ladder "$(tail -1 "$text")"; return; }
	steps=$(awk '$2 != "cublas" { printf "%s%s %.0f", (NR > 1 ? ", " : ""), $2, $4; if ($4 < last) printf " (slower!)"; last = $4 }' "$text")
	awk '$2 != "cublas" { if ($4 < last) n++; last = $4 } END { print n + 0 " == 0" }' "$text" |
		judge ladder "each step faster than the one before: $steps GFLOP/s"
	best=$(awk '$2 != "cublas" && $4 > b { b = $4 } END { print b }' "$text")
	theirs=$(awk '$2 == "cublas" && $5 == "GFLOP/s" { print $4 }' "$text")
	beside_cublas ladder "$best" "$theirs" 80
}
beside_cublas() { # PART BEST THEIRS LIMIT
	[ -n "$3" ] || { say SKIP "$1" "no cuBLAS to compare with"; return; }
	echo "100 * $2 / $3 >= $4" | judge "$1" "$(awk -v a="$2" -v b="$3" -v l="$4" 'BEGIN {
		printf "%.0f of cuBLAS'"'"'s %.0f GFLOP/s: %.1f %% (limit %d %%)", a, b, 100 * a / b, l }')"
}
bf16() {
	local text=$out/bf16.txt
	"$card" "$library" bf16 >"$text" 2>&1 || { say FAIL bf16 "$(tail -1 "$text")"; return; }
	beside_cublas bf16 "$(awk '$2 != "cublas" && $4 > b { b = $4 } END { print b }' "$text")" \
		"$(awk '$2 == "cublas" && $5 == "GFLOP/s" { print $4 }' "$text")" 50
}

# ---- the device's counters beside what is known
pm_dram() {
	local file=$out/pm.stoke known counted
	record "$file" --gpu-metrics 100 -- "$card" "$library" copy 6 || :
	known=$(awk '$1 == "copied" { print $4 }' "$file.log")
	[ -n "$known" ] || { say FAIL pm_dram "$(tail -1 "$file.log")"; return; }
	# the middle of the run: what comes before and after it is no copy
	rows "$file" | awk -F, '$1 == "reading" && $4 == "GPU DRAM traffic" { print $6 }' >"$out/pm.txt"
	[ -s "$out/pm.txt" ] || { say SKIP pm_dram "the device's counters are refused: $(notes "$file" | grep -m1 -i counter)"; return; }
	counted=$(awk '{ v[NR] = $1 } END { for (i in v) print v[i] }' "$out/pm.txt" | sort -g | awk '{ v[NR] = $1 } END {
		top = v[int(NR * 0.9) + 1]; for (i = 1; i <= NR; i++) if (v[i] > 0.8 * top) { s += v[i]; n++ } print s / n / 1e9 }')
	echo "$counted / $known >= 0.97 && $counted / $known <= 1.03" |
		judge pm_dram "$counted GB/s counted, $known GB/s copied: $(awk -v a="$counted" -v b="$known" 'BEGIN { printf "%+.2f %%", 100 * (a / b - 1) }') (limit 3 %)"
}

# ---- PC sampling: whether it runs beside tracing, and beside the counters
stalls() {
	local file=$out/stalls.stoke n both
	record "$file" --gpu-stalls gemm device=cuda n=4096 repeats=200 || :
	notes "$file" >"$out/stalls-notes.txt"
	n=$(rows "$file" | awk -F, '$1 == "series" && $4 == "gpu-stalls" { print $12 }')
	"$stoke" export -f --format folded -e gpu-stalls -o "$out/stalls.folded" "$file" 2>>"$file.log"
	record "$out/stalls-both.stoke" --gpu-stalls --gpu-metrics 100 gemm device=cuda n=4096 repeats=200 || :
	both=$(rows "$out/stalls-both.stoke" | awk -F, '$1 == "series" && $4 == "gpu-stalls" { print $12 }')
	if [ -n "$n" ]; then
		say ok stalls "$n samples beside $(fact "$file" gpu.spans) spans ($(fact "$file" gpu.stalls)); with counters too: ${both:-none}"
	else
		say SKIP stalls "not sampled: $(fact "$file" gpu.stalls); $(head -1 "$out/stalls-notes.txt")"
	fi
}

# ---- what is shown
view() {
	local file=$out/kept.stoke
	[ -s "$file" ] || { say SKIP view "there is no trace"; return; }
	"$stoke" render --view gpu --size 160x50 --color never "$file" >"$out/view-gpu.txt" 2>&1
	"$stoke" render --view flame --size 160x50 --color never "$file" >"$out/view-flame.txt" 2>&1
	"$stoke" render --view roofline --size 160x50 --color never "$file" >"$out/view-roofline.txt" 2>&1
	if grep -q 'stream' "$out/view-gpu.txt"; then
		say ok view "GPU view, flame graph and roofline: view-*.txt"
	else
		say FAIL view "the GPU view shows no stream: $(head -2 "$out/view-gpu.txt" | tr '\n' ' ')"
	fi
}

# ---- no access out of bounds, no race
sanitizer() {
	local tool bad="" log=$out/sanitizer.txt seconds=${SANITIZER_SECONDS:-30} done=""
	command -v compute-sanitizer >/dev/null || PATH=$PATH:/usr/local/cuda/bin
	command -v compute-sanitizer >/dev/null || { say SKIP sanitizer "there is no compute-sanitizer"; return; }
	: >"$log"
	for tool in memcheck racecheck initcheck synccheck; do
		STOKE_TEST_CUDA=$library timeout "$seconds" compute-sanitizer --tool $tool --error-exitcode 99 \
			"$build/tests/test_cuda_arrays" >>"$log" 2>&1
		case $? in
		0) done="$done $tool" ;;
		124) done="$done $tool(cut off at $seconds s)" ;;
		*) bad="$bad $tool" ;;
		esac
	done
	if [ -z "$bad" ] && ! grep -qE 'ERROR SUMMARY: [1-9]' "$log"; then
		say ok sanitizer "test_cuda_arrays clean:$done"
	else
		say FAIL sanitizer "$bad: $(grep -m1 '=========' "$log")"
	fi
}

prepare
[ $# -eq 0 ] || parts=("$@")
for part in "${parts[@]}"; do
	start=$EPOCHSECONDS
	if [ "$(type -t "$part")" != function ]; then
		say FAIL "$part" "there is no such part"
	elif [ -n "$reason" ]; then
		say SKIP "$part" "$reason"
	else
		"$part"
	fi
	echo "$part $((EPOCHSECONDS - start)) s" >>"$out/seconds.txt"
done
echo "$n_passed passed, $n_failed failed, $n_skipped skipped" | tee -a "$out/summary.txt"
[ $n_failed -eq 0 ]
