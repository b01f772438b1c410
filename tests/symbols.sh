#!/bin/bash
# What code is called, from the program to folded stacks: debug files kept apart, compressed
# sections, inlined functions beside addr2line, demangling, code written at run time, other mount
# namespaces, unwinding by .debug_frame and by frame pointers below a cut copy.
# Usage: tests/symbols.sh [STOKE]
set -u
# shellcheck source=tests/tally.sh
. "$(dirname "$0")/tally.sh"
stoke=$(realpath "${1:-build/release/stoke}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
# Most of the samples have a stack that fits the pattern.
shows() { # NAME PATTERN FILE
	if awk -v pattern="$2" '{ all += $NF; if ($0 ~ pattern) hit += $NF } END { exit !(all > 20 && hit > 0.8 * all) }' "$3"; then
		pass
	else
		fail "$1: few stacks fit /$2/"
		sort -k2 -n -t' ' "$3" | tail -3 | sed 's/^/     /' | cut -c1-300
	fi
}
record() { "$stoke" record -f -q -F 1999 -e cpu-clock:u "$@" >/dev/null; }

# ---- inlined functions, wherever the debug information lies
cat >inlined.c <<'C'
#include <time.h>
static volatile double sink;
static inline __attribute__((always_inline)) double innermost(double x)
{
	for (int i = 0; i < 4000; i++)
		x = x * 0.999 + i;
	return x;
}
static inline __attribute__((always_inline)) double between(double x) { return innermost(x) + 1; }
__attribute__((noinline)) double outermost(double x) { return between(x) + 2; }
int main(void)
{
	clock_t end = clock() + CLOCKS_PER_SEC / 3;
	while (clock() < end)
		for (int i = 0; i < 50; i++)
			sink = outermost(sink);
	return 0;
}
C
chain=';main;outermost;between;innermost'
cc -O2 -g -o plain inlined.c
record -o a.folded -- ./plain
shows "inlined functions" "$chain" a.folded
record --no-inline -o a.folded -- ./plain
shows "none with --no-inline" ';main;outermost [0-9]' a.folded
for kind in zlib zstd; do
	if cc -O2 -g -gz="$kind" -o packed inlined.c 2>/dev/null && readelf -SW packed | grep -q '\.debug_info.* C '; then
		record -o a.folded -- ./packed
		shows "sections compressed by $kind" "$chain" a.folded
	else
		skip "sections compressed by $kind: this compiler does not make them"
	fi
done
cp plain linked && objcopy --only-keep-debug linked linked.debug && strip linked &&
	objcopy --add-gnu-debuglink=linked.debug linked && mkdir .debug && mv linked.debug .debug/
record -o a.folded -- ./linked
shows "a debug file beside it" "$chain" a.folded
printf 'x' >>.debug/linked.debug
record -o a.folded -- ./linked
shows "a debug file of another version is not believed" 'linked\+0x' a.folded
id=$(readelf -n plain | awk '/Build ID/ { print $3 }')
place=/usr/lib/debug/.build-id/${id:0:2}
if [ -n "$id" ] && mkdir -p "$place" 2>/dev/null && [ -w "$place" ]; then
	cp plain found && objcopy --only-keep-debug found "$place/${id:2}.debug" && strip found
	record -o a.folded -- ./found
	shows "a debug file by build-id" "$chain" a.folded
	rm -f "$place/${id:2}.debug"
	rmdir "$place" 2>/dev/null
else
	skip "a debug file by build-id: /usr/lib/debug cannot be written"
fi
# Of the addresses of one function, every chain as addr2line gives it.
if command -v addr2line >/dev/null; then
	"$stoke" record -f -q -F 4999 -e cpu-clock:u -o a.stoke -- ./plain
	read -r start size < <(nm -S plain | awk '/ outermost$/ { print $1, $2 }')
	for ((offset = 0; offset < 0x$size; offset++)); do
		addr2line -e plain -f -i "$(printf '0x%x' $((0x$start + offset)))" | awk 'NR % 2' | tac | paste -sd';'
	done | sort -u >theirs
	"$stoke" export -f --format folded a.stoke -o a.folded
	awk '{ sub(/ [0-9]+$/, ""); if (match($0, /outermost.*/)) print substr($0, RSTART) }' a.folded | sort -u >ours
	if [ -s ours ] && [ -z "$(comm -23 ours theirs)" ]; then
		pass
	else
		fail "chains are not addr2line's:"
		diff ours theirs
	fi
else
	skip "chains beside addr2line: it is not here"
fi

# ---- names
cat >names.cpp <<'C'
#include <ctime>
#include <string>
namespace space {
template <typename T> struct Box { T value; __attribute__((noinline)) T turn(const std::string &s, int n); };
template <typename T> T Box<T>::turn(const std::string &s, int n) { for (int i = 0; i < n; i++) value = value * T(0.99) + T(s.size()); return value; }
}
int main() { space::Box<double> box{1}; std::string s(5, 'x'); clock_t end = clock() + CLOCKS_PER_SEC / 4; volatile double sink; while (clock() < end) sink = box.turn(s, 10000); (void)sink; }
C
if command -v g++ >/dev/null && g++ -O2 -o names names.cpp; then
	record -o a.folded -- ./names
	shows "C++ names" 'space::Box<double>::turn\(std::.*, int\)' a.folded
else
	skip "C++ names: no g++ here"
fi
cat >names.rs <<'R'
mod inner { pub struct Wheel(pub f64); impl Wheel { #[inline(never)] pub fn turn(&mut self, n: u64) -> f64 { for i in 0..n { self.0 = self.0 * 0.99 + i as f64; } self.0 } } }
fn main() { let mut w = inner::Wheel(1.0); let t = std::time::Instant::now(); let mut s = 0.0; while t.elapsed().as_millis() < 300 { s += w.turn(20000); } println!("{}", s); }
R
if command -v rustc >/dev/null && rustc -O -o names_rust names.rs 2>/dev/null; then
	record -o a.folded -- ./names_rust
	shows "Rust names" 'names::inner::Wheel::turn [0-9]' a.folded
else
	skip "Rust names: no rustc here"
fi

# ---- code written at run time
cat >jit.c <<'C'
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
int main(void)
{
#if defined(__x86_64__)
	/* push %rbp; mov %rsp,%rbp; mov %edi,%eax; 1: dec %eax; jnz 1b; pop %rbp; ret */
	static const unsigned char code[] = { 0x55, 0x48, 0x89, 0xe5, 0x89, 0xf8, 0xff, 0xc8, 0x75, 0xfc, 0x5d, 0xc3 };
#else
	/* stp x29, x30, [sp, #-16]!; mov x29, sp; 1: subs w0, w0, #1; b.ne 1b; ldp x29, x30, [sp], #16; ret */
	static const unsigned code[] = { 0xa9bf7bfd, 0x910003fd, 0x71000400, 0x54ffffe1, 0xa8c17bfd, 0xd65f03c0 };
#endif
	char path[64];
	unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(page, code, sizeof code);
	__builtin___clear_cache((char *)page, (char *)page + sizeof code);
	snprintf(path, sizeof path, "/tmp/perf-%d.map", getpid());
	FILE *map = fopen(path, "w");
	fprintf(map, "%lx %zx script:hot loop;1\n", (unsigned long)page, sizeof code);
	fclose(map);
	void (*spin)(int) = (void (*)(int))page;
	for (clock_t end = clock() + CLOCKS_PER_SEC / 3; clock() < end;)
		spin(1000000);
	return unlink(path);
}
C
cc -O1 -fno-omit-frame-pointer -o jit jit.c
record -o a.folded -- ./jit
shows "perf-PID.map" ';main;script:hot loop:1 [0-9]' a.folded

# ---- files that only the target can see
cat >hidden.sh <<'S'
mount -t tmpfs none /mnt && cp "$1" /mnt/hidden && exec /mnt/hidden
S
if unshare -m true 2>/dev/null; then
	record -o a.folded -- unshare -m sh hidden.sh "$work/plain"
	shows "another mount namespace" "$chain" <(grep '^hidden;' a.folded)
else
	skip "another mount namespace: not allowed here"
fi
cc -O2 -g -o deleted inlined.c
record -o a.folded -- sh -c 'rm deleted_copy 2>/dev/null; cp deleted deleted_copy; ./deleted_copy &
	until readlink /proc/$!/exe | grep -q deleted_copy; do :; done; sleep 0.05; rm deleted_copy; wait'
shows "a program deleted while it runs" "$chain" <(grep '^deleted_copy;' a.folded)

# ---- unwinding
cat >deep.c <<'C'
#include <time.h>
volatile int sink;
__attribute__((noinline)) static int descend(int n)
{
	volatile char room[512];
	room[n % 512] = 1;
	if (n == 0)
		for (int i = 0; i < 100000; i++)
			sink += i;
	return n ? descend(n - 1) + room[n % 512] : sink;
}
int main(void) { for (clock_t end = clock() + CLOCKS_PER_SEC / 3; clock() < end;) sink = descend(60); return 0; }
C
cc -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -o deep deep.c
record --call-graph dwarf,4096 -o a.folded -- ./deep
# 4 KiB hold seven frames; the C library keeps no frame pointers, so its part is cut.
sixty=$(printf 'descend;%.0s' $(seq 60))
shows "frame pointers below a cut copy" "main;${sixty}descend [0-9]" a.folded
cc -O1 -fomit-frame-pointer -fno-optimize-sibling-calls -o deep deep.c
record --call-graph dwarf,4096 -o a.folded -- ./deep
shows "[truncated] without them" 'deep;\[truncated\];(descend;)+descend [0-9]' a.folded
cc -O1 -g -fomit-frame-pointer -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-optimize-sibling-calls -o deep deep.c
if readelf -SW deep | grep -q '\.debug_frame'; then
	record --call-graph dwarf,65528 -o a.folded -- ./deep
	shows ".debug_frame" "^deep;_start;.*main;${sixty}descend [0-9]" a.folded
else
	skip ".debug_frame: this compiler makes none"
fi
finish
