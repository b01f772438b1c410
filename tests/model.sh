#!/bin/bash
# The cache model as it is used: ten scalar kernels beside cachegrind, vector code, programs linked
# with either library, built-in workloads, the same twice.
# Usage: tests/model.sh [STOKE]
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/tally.sh
root=$PWD
stoke=$(realpath "${1:-build/release/stoke}")
build=$(dirname "$stoke")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
unset STOKE_MODEL
[ -x "$build/stoke-model" ] || { skip "there is no stoke-model in $build: sanitizer builds have none"; finish; }
cc=${CC:-cc}
# shellcheck disable=SC2086
{
	$cc -std=c17 -O1 -g -fno-pie -no-pie -o "$work/plain" tests/model/kernels.c
	$cc -std=c17 -O1 -g -fno-pie -fsanitize=thread -c -o "$work/kernels.o" tests/model/kernels.c
	$cc -no-pie -o "$work/kernels" "$work/kernels.o" "$build/libstoke-model.a" -lm -lpthread -ldl
} || { fail "the kernels do not compile"; finish; }

# ---- beside cachegrind: sums less those of a run without a kernel
caches="l1=32K/8,l2=1M/16,line=64,cores=1,tlb=0"
modelled() { # PROGRAM KERNEL; first and last level's misses
	STOKE_MODEL=$caches setarch -R "$1" "$2" 2>&1 | awk '/ L1 misses/ { a = $4 } / L2 misses/ { b = $4 } END { print a, b }'
}
counted() {
	valgrind --tool=cachegrind --cachegrind-out-file=/dev/null --I1=32768,8,64 --D1=32768,8,64 \
		--LL=1048576,16,64 "$work/plain" "$1" 2>&1 |
		awk '{ gsub(",", "") } /D1  misses/ { a = $4 } /LLd misses/ { b = $4 } END { print a, b }'
}
same() { # OURS THEIRS
	awk -v a="$1" -v b="$2" 'BEGIN { d = a > b ? a - b : b - a; exit !(b > 1000 && d <= 0.001 * b) }'
}
if ! command -v valgrind >/dev/null; then
	skip "beside cachegrind: valgrind is not here; STOKE_SETUP=all tests/setup.sh installs it"
elif ! setarch -R true 2>/dev/null; then
	skip "beside cachegrind: addresses cannot be kept the same here"
else
	read -r our_first our_last < <(modelled "$work/kernels" nothing)
	read -r first_base last_base < <(counted nothing)
	for kernel in $("$work/plain"); do
		read -r first last < <(modelled "$work/kernels" "$kernel")
		read -r first_valgrind last_valgrind < <(counted "$kernel")
		first=$((first - our_first)) last=$((last - our_last))
		first_valgrind=$((first_valgrind - first_base))
		last_valgrind=$((last_valgrind - last_base))
		echo "     $kernel: first level $first, cachegrind $first_valgrind; last $last, $last_valgrind"
		if same "$first" "$first_valgrind" && same "$last" "$last_valgrind"; then pass; else
			fail "$kernel differs from cachegrind by more than 0.1 %"
		fi
	done
fi

# ---- the same twice
one=$(STOKE_MODEL='' setarch -R "$work/kernels" histogram 2>&1)
other=$(STOKE_MODEL='' setarch -R "$work/kernels" histogram 2>&1)
if [ -n "$one" ] && [ "$one" = "$other" ]; then pass; else fail "two runs differ"; fi

# ---- what -fsanitize=thread does not report, one access each by hand
cat >"$work/vectors.c" <<'C'
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>
static __attribute__((aligned(4096))) float block[1 << 20];
__attribute__((target("avx512f"), noinline)) static float wide(int n)
{
	__m512 sum = _mm512_setzero_ps();
	for (int i = 0; i < n; i++) /* 8 of 16 lanes, half a line each */
		sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(0xff, block + 16 * i));
	for (int i = 0; i < n; i++)
		_mm512_mask_storeu_ps(block + 16 * i, 0xff00, sum);
	__m512i index = _mm512_set1_epi32(0);
	sum = _mm512_add_ps(sum, _mm512_i32gather_ps(index, block, 4));
	for (int i = 0; i < n; i++)
		_mm512_stream_ps(block + 16 * i, sum);
	for (int i = 0; i < n; i++)
		sum = _mm512_add_ps(sum, _mm512_loadu_ps(block + 16 * i));
	return _mm512_reduce_add_ps(sum);
}
int main(void)
{
	volatile float sink;
	if (!__builtin_cpu_supports("avx512f"))
		return 77;
	sink = wide(1000);
	(void)sink;
	return 0;
}
C
vectors_are_seen() { # COMPILER...
	rm -f "$work/vectors.o"
	if ! "$@" -g -fsanitize=thread -I counters/model -c -o "$work/vectors.o" "$work/vectors.c" ||
		! "$@" -o "$work/vectors" "$work/vectors.o" "$build/libstoke-model.a" -lm -lpthread -ldl; then
		fail "vector code does not compile: $*"
		return
	fi
	STOKE_MODEL="$caches" "$work/vectors" 2>"$work/sums"
	status=$?
	# 1000 masked loads, 16 lanes gathered, 1000 whole loads; 1000 masked stores, 1000 past the caches
	loads=$(awk '/ accesses / { print $4 }' "$work/sums") stores=$(awk '/ accesses / { print $5 }' "$work/sums")
	misses=$(awk '/ L1 misses/ { print $4 }' "$work/sums")
	if [ "$status" = 77 ]; then
		skip "vector instructions: this CPU has no AVX-512"
	elif [ "$status" = 0 ] && [ "$((loads - 2016))" -ge 0 ] && [ "$((loads - 2016))" -le 8 ] &&
		[ "$((stores - 2000))" -ge 0 ] && [ "$((stores - 2000))" -le 8 ] &&
		[ "$((misses - 2500))" -ge 0 ] && [ "$((misses - 2500))" -le 520 ]; then
		pass
	else
		fail "AVX-512 accesses of $*: $loads loads, $stores stores, $misses misses"
	fi
}
if [ "$(uname -m)" != x86_64 ]; then
	skip "vector instructions: this machine has none of x86"
else
	# Gathers are functions or macros, constants are the file's or everybody's, by compiler.
	for compiler in "$cc -O2" "$cc -O0" "g++ -O2" "g++ -O0"; do
		# shellcheck disable=SC2086
		vectors_are_seen $compiler
	done
fi

# ---- Clang reports no vectors of more than 16 bytes, and makes some unless told not to
cat >"$work/some.c" <<'C'
float a[1 << 16], b[1 << 16];
int main(void)
{
	for (int i = 0; i < 1 << 16; i++)
		a[i] = (float)(i % 3);
	for (int i = 0; i < 1 << 16; i++)
		b[i] = 2 * a[i];
	return 0;
}
C
if ! command -v clang >/dev/null; then
	skip "what Clang compiles: it is not here"
elif ! clang -O3 -g -fsanitize=thread -fno-vectorize -fno-slp-vectorize -I counters/model -c -o "$work/some.o" "$work/some.c" ||
	! cc -o "$work/some" "$work/some.o" "$build/libstoke-model.a" -lm -lpthread -ldl; then
	fail "Clang does not compile as the help says"
else
	"$stoke" record -f --model -v -o "$work/some.stoke" -- "$work/some" 2>"$work/err"
	"$stoke" export "$work/some.stoke" -e memory-accesses --format folded | awk '{ n += $NF } END { exit n != 3 * 65536 }' &&
		pass || fail "accesses of what Clang compiles"
	grep -q "Clang compiled" "$work/err" && pass || fail "no word of what Clang does not report"
	"$stoke" record -f --model -v -o "$work/some.stoke" -- "$work/kernels" nothing >/dev/null 2>"$work/err"
	grep -q "Clang compiled" "$work/err" && fail "GCC is taken for Clang" || pass
fi

# ---- every built-in function that reaches memory, in our kernels, is one the model sees
unseen=$(grep -rhoE '_mm[0-9]*_(mask[a-z]*_)?(maskload|maskstore|loadu|load|storeu|store|stream|stream_load|broadcast|i32gather|i64gather|i32scatter|i64scatter|compressstoreu|expandloadu|lddqu)_[a-z0-9]+|_tile_[a-z]*(load|stor)[a-z]*' kernels workloads |
	sort -u | grep -vE '^_mm[0-9]*_(loadu|load|storeu|store)_[a-z0-9]+$' |
	while read -r name; do grep -qE "define $name( |\\()" counters/model/immintrin_names.h || echo "$name"; done)
if [ -z "$unseen" ]; then pass; else fail "the model does not see ${unseen//$'\n'/, }"; fi

# ---- any program, in C and in C++, with either library; what the recording says of it
cat >"$work/program.cc" <<'CC'
#include <cstdlib>
#include <thread>
#include <vector>
struct counters { long a, b; };
static counters together;
static long apart[64];
static void count(long *at) { for (int i = 0; i < 300000; i++) { *(volatile long *)at += 1; } }
__attribute__((noinline)) static double walk(const std::vector<double> &columns)
{
	double sum = 0;
	for (int j = 0; j < 512; j++)
		for (int i = 0; i < 512; i++)
			sum += columns[i * 512 + j];
	return sum;
}
int main(int argc, char **)
{
	std::vector<double> columns(512 * 512, 1.0);
	volatile double sink = 0;
	for (int i = 0; i < 4; i++)
		sink = sink + walk(columns);
	if (argc > 1) {
		std::thread one(count, &together.a), other(count, &together.b);
		one.join();
		other.join();
		std::thread lone(count, &apart[0]), far(count, &apart[32]);
		lone.join();
		far.join();
	}
	return 7;
}
CC
g++ -O2 -g -fsanitize=thread -c -o "$work/program.o" "$work/program.cc" || fail "C++ does not compile"
for library in "$build/libstoke-model.a -lm -lpthread -ldl" "-L $build -lstoke-model -Wl,-rpath,$build"; do
	# shellcheck disable=SC2086
	g++ -o "$work/program" "$work/program.o" $library || { fail "$library does not link"; continue; }
	rm -f "$work/program.stoke"
	timeout 60 "$stoke" record -q --model -o "$work/program.stoke" -- "$work/program" threads
	[ $? = 7 ] && pass || fail "the program's own status does not come through ($library)"
	"$stoke" export "$work/program.stoke" -e L1-misses --format folded >"$work/folded"
	awk '{ all += $NF } /walk/ { hit += $NF } END { exit !(all > 100000 && hit > 0.5 * all) }' "$work/folded" &&
		pass || fail "misses are not those of walk ($library)"
	"$stoke" export "$work/program.stoke" -e L1-misses-by-array --format folded >"$work/folded"
	grep -qE 'main;.*\[2.00 MiB from main' "$work/folded" && pass || { fail "the array has no size ($library)"; head -3 "$work/folded"; }
	"$stoke" export "$work/program.stoke" --format csv >"$work/csv"
	grep -q 'L1 miss rate.*modelled' "$work/csv" && pass || fail "rates are not marked as modelled ($library)"
done
# One that ends before it is looked at for the first time: all names come in the last look.
cat >"$work/short.cc" <<'CC'
#include <vector>
int main()
{
	std::vector<double> numbers(64 * 1024, 1.0);
	double sum = 0;
	for (double number : numbers)
		sum += number;
	return sum < 0;
}
CC
g++ -O2 -g -fsanitize=thread -c -o "$work/short.o" "$work/short.cc" &&
	g++ -o "$work/short" "$work/short.o" "$build/libstoke-model.a" -lm -lpthread -ldl || fail "the short program does not compile"
"$stoke" record -q --model -o "$work/short.stoke" -- "$work/short"
"$stoke" export "$work/short.stoke" -e L1-misses-by-array --format folded >"$work/folded"
grep -qE 'main;.*\[512 KiB from main' "$work/folded" && pass || { fail "the array of a short program has no name"; cat "$work/folded"; }
# What is shared falsely is small: globals have names from four bytes on.
"$stoke" export "$work/program.stoke" -e memory-accesses-by-array --format folded >"$work/folded"
grep -qF '[together, global, 16 B] 1200' "$work/folded" && pass || { fail "a small global has no name"; cat "$work/folded"; }
# Two threads that take turns on a busy machine share less, but never on lines of their own.
"$stoke" export "$work/program.stoke" -e false-sharing-by-array --format folded >"$work/folded" 2>/dev/null
if grep -q '\[apart' "$work/folded"; then fail "threads on lines of their own share"; else pass; fi

# ---- processes after the first: forked ones, one that executes another program, too many
cat >"$work/forks.c" <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
enum { N = 256 };
static double *columns;
__attribute__((noinline)) static double walk(void) /* N * N lines, each missed */
{
	double sum = 0;
	for (int j = 0; j < N; j++)
		for (int i = 0; i < N; i++)
			sum += columns[i * N + j];
	return sum;
}
__attribute__((noinline)) static double below(void) { return walk() + 1; }
static void *rest(void *nothing) { return nothing; }
int main(int argc, char **argv)
{
	volatile double sink = 0;
	pthread_t thread;
	int n = argc > 1 ? atoi(argv[1]) : 0;
	columns = aligned_alloc(4096, N * N * sizeof *columns);
	memset(columns, 0, N * N * sizeof *columns);
	pthread_create(&thread, NULL, rest, NULL);
	pthread_join(thread, NULL);
	for (int i = 0; i < n; i++)
		if (fork() == 0) {
			sink = below();
			if (i == 0) /* as another program, with the same number */
				execl(argv[0], argv[0], (char *)NULL);
			exit(0);
		}
	sink = walk();
	while (wait(NULL) > 0)
		;
	(void)sink;
	return 3;
}
C
if $cc -O1 -g -fsanitize=thread -c -o "$work/forks.o" "$work/forks.c" &&
	$cc -o "$work/forks" "$work/forks.o" "$build/libstoke-model.a" -lm -lpthread -ldl; then
	timeout 60 "$stoke" record -q --model --caches "$caches" -o "$work/forks.stoke" -- "$work/forks" 3 2>/dev/null
	[ $? = 3 ] && pass || fail "the status of a program that forks"
	"$stoke" export "$work/forks.stoke" -e L1-misses --format folded --per-process >"$work/folded"
	# 256 * 256 in each of 3 children under below(), in the first and in what one child became
	awk '/;walk/ { n++; bad += $NF < 65536 || $NF > 65600; below += /;below;walk/ } END { exit !(n == 5 && bad == 0 && below == 3) }' "$work/folded" &&
		pass || { fail "misses of processes"; cat "$work/folded"; }
	"$stoke" export "$work/forks.stoke" -e L1-misses-by-array --format folded --per-process >"$work/folded"
	[ "$(grep -c 'main;\[512 KiB from main' "$work/folded")" -ge 4 ] && pass || { fail "arrays of processes"; cat "$work/folded"; }
	timeout 60 "$stoke" record --model --caches "$caches" -o "$work/many.stoke" -- "$work/forks" 40 >/dev/null 2>"$work/err"
	grep -q "there is room for 32" <(tr '\n' ' ' <"$work/err" | tr -s ' ') && pass || fail "more processes than there is room for"
else
	fail "the program that forks does not compile"
fi

# ---- programs that are not compiled for it say so; words that make no sense too
"$stoke" record --model -o "$work/none.stoke" -- true 2>"$work/err"
grep -q "not compiled for the cache model" <(tr '\n' ' ' <"$work/err" | tr -s ' ') && pass || fail "a program that is not compiled for it"
grep -q "the library of another stoke" <(tr '\n' ' ' <"$work/err" | tr -s ' ') && pass || fail "a program linked with another library"
"$stoke" record --model -f -o "$work/none.stoke" -- "$work/short" >/dev/null 2>&1
"$stoke" report "$work/none.stoke" | grep -qE '^samples .* in [0-9.]+ (ms|s), ' && pass || fail "sums of a short program are of no time"
"$stoke" run gemm --model --caches l1=33K/8 2>"$work/err"
[ $? = 2 ] && grep -q "power of two of sets" "$work/err" && pass || fail "caches that cannot be"

# ---- which caches, and that times are the model's, is said where figures are
"$stoke" record -q --model --caches l1=16K/4,l2=256K/8 -f -o "$work/w.stoke" --duration 1500ms triad size=4 >/dev/null 2>&1
"$stoke" render --view notes --size 100x30 "$work/w.stoke" | grep -q 'l1=16K/4,l2=256K/8,line=' &&
	pass || fail "no note says which caches are modelled"
for view in roofline lost; do
	"$stoke" render --view $view --size 80x24 "$work/w.stoke" | grep -q 'cache model' &&
		pass || fail "$view takes the model's times for the program's"
done

# ---- every built-in workload
for workload in $("$stoke" list workloads | awk '/^[a-z]/ { print $1 }'); do
	rm -f "$work/w.stoke"
	timeout 120 "$stoke" record -q --model -o "$work/w.stoke" --duration 1500ms "$workload" >/dev/null 2>"$work/err"
	if "$stoke" export "$work/w.stoke" --format csv 2>/dev/null | grep -q 'L1 miss rate.*modelled'; then pass; else
		fail "$workload shows no miss rates"
		head -3 "$work/err"
	fi
done
cd "$root" && finish
