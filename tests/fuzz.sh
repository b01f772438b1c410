#!/bin/bash
# Fuzz targets: tests/fuzz_NAME.c with libFuzzer, address and undefined-behaviour sanitizers.
# Usage: tests/fuzz.sh SECONDS [fuzz_NAME...]   run each for so long
# Inputs that once crashed are kept in tests/fuzz-regressions/fuzz_NAME/ and start every run.
set -u
cd "$(dirname "$0")/.." || exit 1
targets() { for file in tests/fuzz_*.c; do basename "$file" .c; done; }
# The sources in C to compile: no target runs a workload or a kernel, so of these what others include,
# which is the files whose names begin as the header's does.
sources() {
	awk 'function add(file) { if (!(file in seen)) { seen[file]; queue[++n] = file } }
		BEGIN {
			for (i = 1; i < ARGC; i++)
				if (ARGV[i] ~ /^(kernels|workloads)\//) lazy[ARGV[i]]
				else add(ARGV[i])
			while (at < n) {
				file = queue[++at]
				while ((getline line < file) > 0)
					if (split(line, part, "\"") == 3 && part[1] == "#include ") {
						add(part[2])
						if (sub(/\.h$/, "", part[2])) {
							sub(/.*\//, "/", part[2])
							for (name in lazy) if (index(name, part[2])) add(name)
						}
					}
				close(file)
				if (file ~ /\.c$/ && file !~ /^tests\/|\/inject_/) print file
			}
		}' tests/fuzz_*.c tests/fixture_fuzz.c tests/fixture_timer.c sampler/*.c sampler/base/*.c counters/*.c gpu/*.c tui/*.c \
		kernels/*.c kernels/*/*.c workloads/*.c workloads/*/*.c
}
build() {
	# Parsers are to be fast; the screens and workloads, hardly fuzzed, are to be compiled fast.
	make --no-print-directory -j"$(nproc)" BUILD=build/fuzz CC=clang \
		CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined" \
		BULK_CFLAGS="-O0 -Wno-frame-larger-than" \
		LDFLAGS="-fsanitize=address,undefined" SOURCES="$(sources | tr '\n' ' ')" \
		WORKLOADS=none KERNELS=none objects >build/fuzz.log 2>&1 ||
		{ tail -20 build/fuzz.log; return 1; }
	local libs features linker
	linker=$(sed -n 's/LINKER := //p' build/features.mk)
	features=$(sed -n 's/\(HAVE_[A-Z]*\) := \(.\)/-D\1=\2/p' build/features.mk)
	libs=$(make --no-print-directory libs)
	rm -f build/fuzz/all.a
	find build/fuzz -name '*.o' ! -path '*/tui/main.o' ! -path '*/tests/*' -exec ar qcT build/fuzz/all.a {} + &&
		ar s build/fuzz/all.a || return 1
	mkdir -p build/fuzz/tests
	# shellcheck disable=SC2086
	printf '%s\n' "$@" | xargs -P "$(nproc)" -I TARGET \
		clang $linker -std=c17 -D_GNU_SOURCE -I. $features -g -O1 -fsanitize=fuzzer,address,undefined \
		tests/TARGET.c tests/fixture_fuzz.c tests/fixture_timer.c build/fuzz/all.a $libs -o build/fuzz/tests/TARGET
}
# A record of each type (fuzz_gpu_ring.c): number or time 1, one piece of one, and two bytes that
# are the numbers of a line's reasons and of their samples.
gpu_ring_seed() { # REASONS SAMPLES
	local type
	for ((type = 0; type < 20; type++)); do
		# shellcheck disable=SC2059
		printf "\\x$(printf %02x "$type")\\x00\\x01\\0\\0\\0\\0\\0\\0\\0\\0\\0\\x01\\0"
		head -c 8 /dev/zero
		# shellcheck disable=SC2059
		printf "\\x0$1"
		head -c 43 /dev/zero
		# shellcheck disable=SC2059
		printf "\\x0$2"
		head -c 23 /dev/zero
	done
}
# A program with one mapping and a sample in it (fuzz_timer_ring.c).
timer_ring_seed() {
	local maps='400000-500000 r-xp 00000000 08:01 1 /usr/bin/env'
	local length=${#maps}
	printf '\x01\0\0\0\x01\0\0\0name'
	head -c 24 /dev/zero
	# shellcheck disable=SC2059
	printf "\\x03\\0\\x$(printf %02x "$length")\\0\\x$(printf %02x "$length")"
	head -c 31 /dev/zero
	printf %s "$maps"
	printf '\x04\0\xe0\0\x10\0\0\0\0\0\0\0\x40\0\0\0thread'
	head -c 14 /dev/zero
	for word in 0 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0 0 0 0 0 3 3 3 3 3 3 3 3; do printf '\0\x1%s\x40\0\0\0\0\0' $word; done
}
# Real inputs to start from.
seeds() { # TARGET FOLDER
	case $1 in
	fuzz_elf) cp build/fuzz/tests/seed.elf "$2/" 2>/dev/null; cp /usr/lib/*-linux-gnu/libdl.so.2 "$2/" 2>/dev/null ;;
	fuzz_folded) cp build/seed.folded "$2/" 2>/dev/null ;;
	fuzz_perf_data) cp build/seed-*.data "$2/" 2>/dev/null ;;
	fuzz_perf_script) cp build/seed.perf "$2/" 2>/dev/null ;;
	fuzz_pprof) gunzip -c build/seed.pb.gz >"$2/seed.pb" 2>/dev/null ;;
	fuzz_gpu_ring) gpu_ring_seed 0 0 >"$2/plain"; gpu_ring_seed 2 5 >"$2/stalls" ;;
	fuzz_timer_ring) timer_ring_seed >"$2/plain" ;;
	fuzz_json) cp build/seed.*.json "$2/" 2>/dev/null ;;
	fuzz_metrics) cp counters/groups/*.txt "$2/" ;;
	fuzz_push_spool) cp build/seed-*.push "$2/" 2>/dev/null ;;
	fuzz_recording) cp build/seed.stoke "$2/" 2>/dev/null ;;
	esac
	cp "tests/fuzz-regressions/$1/"* "$2/" 2>/dev/null
	return 0
}
seconds=${1:-20}
shift
[ $# -gt 0 ] || { mapfile -t all < <(targets); set -- "${all[@]}"; }
[ $# -gt 0 ] || { echo "no fuzz targets"; exit 0; }
command -v clang >/dev/null || { echo "clang is needed to fuzz; apt-get install clang libclang-rt-dev"; exit 1; }
mkdir -p build/fuzz/tests
build "$@" || exit 1
printf 'int main(void){return 0;}' | ${CC:-cc} -g -xc - -o build/fuzz/tests/seed.elf
[ ! -x build/release/stoke ] || {
	build/release/stoke record -f -q -o build/seed.stoke -- true
	for format in folded pb.gz speedscope.json trace.json; do
		build/release/stoke export -f build/seed.stoke -o build/seed.$format 2>/dev/null
	done
}
if command -v perf >/dev/null; then # without the kernel's symbols and files of ours to read, each is fast
	perf record -q -B -N -o build/seed-chains.data -e cpu-clock:u,page-faults:u -c 10 -g -- true
	perf record -q -B -N -o build/seed-dwarf.data -e page-faults:u -c 20 --call-graph dwarf,512 -- true
	perf record -q -B -N -z -o build/seed-packed.data -e page-faults:u -c 10 -g -- true
	perf record -q -B -N -o - -e page-faults:u -c 10 -g -- true >build/seed-stream.data
	LC_ALL=C sed -i 's|/usr/|/not/|g' build/seed-*.data
	perf script -i build/seed-chains.data >build/seed.perf
fi >/dev/null 2>&1
printf 'stoke push 1\nhttp://h:1\nhttp://h:1/ingest?name=a\napplication/octet-stream\n3\nabc' >build/seed-file.push
printf 'http://h:1\0http://h:1/ingest?name=a\0application/octet-stream\0abc' >build/seed-round.push
fuzz_one() { # TARGET
	local corpus=build/fuzz/corpus/$1
	mkdir -p "$corpus"
	seeds "$1" "$corpus"
	if "build/fuzz/tests/$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -max_len=65536 \
		-artifact_prefix="build/fuzz/crash-$1-" "$corpus" >"build/fuzz/$1.log" 2>&1; then
		echo "ok   $1: $(grep -c . <(ls "$corpus")) inputs, $(grep -oE 'DONE.*|#[0-9]+' "build/fuzz/$1.log" | tail -1)"
	else
		echo "FAIL $1"
		tail -40 "build/fuzz/$1.log"
		return 1
	fi
}
# One a CPU: they do not wait for each other.
status=0
for target in "$@"; do
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || status=1; done
	fuzz_one "$target" &
done
while [ "$(jobs -rp | wc -l)" -gt 0 ]; do wait -n || status=1; done
for target in "$@"; do grep -q "DONE" "build/fuzz/$target.log" || status=1; done
exit $status
