#!/bin/bash
# Programs that are hard to follow: each is recorded, its status kept, its text clean.
# Usage: tests/targets.sh [STOKE]
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/tally.sh
stoke=$(realpath "${1:-build/release/stoke}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
cat >hard.c <<'C'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile double sink;

__attribute__((noinline)) static void burn(long n)
{
	for (long i = 0; i < n; i++)
		sink = sink * 0.999 + 1;
}

static void *burner(void *n)
{
	burn((long)n);
	return NULL;
}

static int forks(long each)
{
	for (int i = 0; i < 1000; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			burn(each);
			_exit(0);
		}
		int status;
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			return 1;
	}
	return 0;
}

static int threads(void)
{
	for (int i = 0; i < 1000; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, burner, (void *)100000L) != 0)
			return 1;
		pthread_join(thread, NULL);
	}
	return 0;
}

static int names(void)
{
	static const char *const bad[] = { "\033[2J;x", "a\nb 7", "\t", "", "\x9b" "31m", "; ;", "\xff\xfe" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		prctl(PR_SET_NAME, bad[i]);
		burn(40000000);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	if (strcmp(what, "forks") == 0)
		return forks(100000);
	if (strcmp(what, "threads") == 0)
		return threads();
	if (strcmp(what, "names") == 0)
		return names();
	if (strcmp(what, "closes") == 0) {
		for (int fd = 0; fd < 1024; fd++)
			close(fd);
		burn(200000000);
		return 5;
	}
	if (strcmp(what, "killed") == 0) {
		burn(100000000);
		raise(SIGKILL);
	}
	if (strcmp(what, "orphan") == 0) { /* a child that outlives it, and holds the output open */
		if (fork() == 0) {
			burn(300000000);
			_exit(0);
		}
		return 6;
	}
	return 9; /* at once */
}
C
cc -O1 -g -pthread -o hard hard.c || exit 1

# target NAME STATUS MOST-SECONDS [PATTERN]: record ./hard NAME
target() {
	local name=$1 status=$2 pattern=${4:-} got bad
	timeout "$3" "$stoke" record -f -q -F 1999 -e cpu-clock -o a.stoke -- ./hard "$name" >out 2>err
	got=$?
	"$stoke" export -f --format folded -o a.folded a.stoke 2>>err || got="$got, and the recording cannot be read"
	"$stoke" render --size 80x24 --color never --view overview a.stoke >screen 2>>err || got="$got, and no screen"
	# Control characters: C0 but the line's end, and C1 as UTF-8. Each line ends in a count.
	bad=$(LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' a.folded screen | awk -F: '{ n += $2 } END { print n }')
	if [ "$got" != "$status" ]; then
		fail_with "$name: status $got, not $status" err
	elif [ "$bad" != 0 ]; then
		fail_with "$name: control characters in what is written" a.folded
	elif grep -qvE ' [0-9]+$' a.folded; then
		fail_with "$name: a line without its count" a.folded
	elif [ -n "$pattern" ] && ! grep -qE "$pattern" a.folded; then
		fail_with "$name: nothing fits /$pattern/" a.folded
	else
		ok "$name"
	fi
}
fail_with() { # WHAT FILE
	fail "$1"
	tail -n 5 "$2" | cut -c1-200
}
target forks 0 60 ';main;forks;.*burn'
target threads 0 60 ';burner;burn'
target names 0 60 ';main;.*burn'
target closes 5 60 ';main;.*burn'
target killed 137 60 ';main;.*burn'
target orphan 6 60
target nothing 9 60
finish
