#!/bin/bash
# Attaching: a program that loaded one library before and loads one after looks as it does when it
# is started under stoke; the screen of `stoke top` follows a process to its end.
# Usage: tests/attach.sh [STOKE]
set -u
cd "$(dirname "$0")/.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
. tests/terminal.sh
trap 'kill $(jobs -p) 2>/dev/null; t kill-server 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
if ! "$stoke" record -q -o can.stoke -- true 2>refused; then
	skip "nothing can be sampled here: $(cat refused)"
	finish
fi

# ---- libraries before and after
library() { # NAME: two functions, 3 : 1
	cat >"$1.c" <<-CODE
		static volatile double x;
		__attribute__((noinline)) void $1_three(void) { for (int i = 0; i < 300000; i++) x = x * 1.1 + 1; }
		__attribute__((noinline)) void $1_one(void) { for (int i = 0; i < 100000; i++) x = x * 1.2 + 1; }
		void $1(void (*back)(void)) { $1_three(); $1_one(); if (back) back(); x++; }
	CODE
	cc -O1 -fomit-frame-pointer -shared -fPIC -o "lib$1.so" "$1.c"
}
library before && library after
# dlopen_it SECONDS-TO-THE-SECOND SECONDS-IN-ALL: phases of wall time
cat >dlopen_it.c <<-'CODE'
	#include <dlfcn.h>
	#include <stdlib.h>
	#include <string.h>
	#include <time.h>
	typedef void call(void (*)(void));
	static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
	static call *get(const char *path, const char *name) {
		void *library = dlopen(path, RTLD_NOW); call *f = NULL; void *at = library ? dlsym(library, name) : NULL;
		if (!at) exit(9);
		memcpy(&f, &at, sizeof f); return f; }
	static call *after;
	__attribute__((noinline)) static void call_back(void) { if (after) after(NULL); }
	int main(int c, char **v) {
		double start = now(), second = atof(v[1]), end = atof(v[2]); (void)c;
		call *before = get("./libbefore.so", "before");
		while (now() < start + end) {
			if (!after && now() > start + second) after = get("./libafter.so", "after");
			before(call_back); }
		return 4; }
CODE
cc -O1 -fomit-frame-pointer -o dlopen_it dlopen_it.c -ldl || exit 1

# own FILE.stoke FROM: "function share" of the hottest, in user code
own() {
	"$stoke" export -q -f --format folded --from "$2" -o own.folded "$1" 2>/dev/null || return 1
	awk '{ n = $NF; sub(/ [0-9]+$/, ""); k = split($0, f, ";"); own[f[k]] += n; all += n }
		END { for (name in own) printf "%s %.4f\n", name, own[name] / all }' own.folded
}
"$stoke" record -q --all-user -o started.stoke -- ./dlopen_it 1.2 4
[ $? -eq 4 ] && pass || fail "the program's own status"
own started.stoke 1.6s >started.txt
./dlopen_it 1.2 4 &
sleep 0.6
"$stoke" record -q --all-user -o attached.stoke -p $!
[ $? -eq 0 ] && pass || fail "attached: status 0 when the process has ended"
wait $!
[ $? -eq 4 ] && pass || fail "attached: the program ends as it would have"
own attached.stoke 1.0s >attached.txt
"$stoke" export -q -f --format folded -o attached.folded attached.stoke
# Where others run too there are some 600 samples.
for function in before_three before_one after_three after_one; do
	awk -v name=$function '$1 == name { s[FILENAME] = $2 } END {
		a = s["started.txt"]; b = s["attached.txt"]; d = a > b ? a - b : b - a
		printf "%s: %.3f started, %.3f attached\n", name, a, b
		exit !(a > 0.05 && b > 0.05 && d < 0.11) }' started.txt attached.txt &&
		pass || fail "$function: its share depends on how it was recorded"
done
grep -q ';main;before;call_back;after;after_three ' attached.folded && pass ||
	fail "no stack through both libraries: $(head -3 attached.folded)"
grep -qE '\[unknown|\[truncated' attached.folded && fail "unknown frames: $(grep -E '\[unknown|\[truncated' attached.folded | head -3)" || pass

# ---- a first thread that has left: the mappings are the others'
cat >left.c <<-'CODE'
	#include <pthread.h>
	static volatile double x;
	__attribute__((noinline)) void still_here(void) { for (int i = 0; i < 100000; i++) x = x * 1.1 + 1; }
	static void *run(void *nothing) { for (;;) still_here(); return nothing; }
	int main(void) { pthread_t thread; pthread_create(&thread, 0, run, 0); pthread_exit(0); }
CODE
cc -O1 -o left left.c -lpthread || exit 1
./left &
sleep 0.3
"$stoke" record -q -p $! --duration 400ms -o left.folded
kill $!
grep -q ';run;still_here ' left.folded && pass || fail "a first thread that left: $(head -2 left.folded)"

# ---- the screen
./dlopen_it 0.1 120 &
busy=$!
begin xterm-256color C.UTF-8 100x30 "cd $work; $stoke top -p $busy"
shows "top -p: live" 'live'
keys 1
shows "top -p: what it follows" "Running +\./dlopen_it 0.1 120 \($busy\)"
shows "top -p: running" ' running'
keys 3
shows "top -p: its functions" 'before_three'
keys 2
shows "top -p: its stacks" 'call_back'
keys F2 Escape
keys 1
kill $busy
shows "top -p: it says that the process has ended" 'process has ended; what was recorded is kept'
shows "top -p: and so does the overview" '  has ended'
keys 3
shows "top -p: what was recorded stays" 'before_three'
keys : "w kept.folded" Enter
shows "top -p: and can be written" 'kept.folded is written'
keys q
shows "top -p: left" 'samples of'
grep -q before_three kept.folded && pass || fail "top: nothing was kept"

./dlopen_it 0.1 120 &
one=$!
./dlopen_it 0.1 120 &
two=$!
begin xterm-256color C.UTF-8 100x30 "cd $work; $stoke top -p $one,$two"
keys 1
shows "top of two: both are named" "2 processes: dlopen_it \($one\), dlopen_it \($two\)"
kill $one
sleep 0.5
shows "top of two: goes on with the other" 'live'
keys C-c
shows "top: Ctrl-C stops recording" 'saved'
kill -0 $two && pass || fail "top: Ctrl-C ended the process"
keys C-c
shows "top: and again leaves" 'samples of'
kill -0 $two && pass || fail "top: leaving ended the process"
begin xterm-256color C.UTF-8 100x30 "cd $work; $stoke top -p 99999999"
shows "top: nobody there" 'does not exist'
begin xterm-256color C.UTF-8 100x30 "cd $work; $stoke top"
shows "top: everything, or a note" 'live'
keys 3
shows "top: what is busy is seen" 'before_three'
keys q
shows "top: left" 'samples of'
kill $two 2>/dev/null
cd / # the folder goes
finish
