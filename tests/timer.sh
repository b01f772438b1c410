#!/bin/bash
# Sampling where perf_event_open is forbidden, for real: a seccomp filter answers it with an errno, and
# everything below runs behind it. What perf samples of the same programs is what must come out.
# Usage: tests/timer.sh [STOKE]
set -u
# shellcheck source=tests/tally.sh
. "$(dirname "$0")/tally.sh"
cd "$(dirname "$0")/.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
cat >deny.c <<'C'
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* deny [-m] ERRNO COMMAND...: perf_event_open fails with that errno from here on; with -m so does
 * process_vm_readv. */
int main(int argc, char **argv)
{
	int is_more = argc > 1 && argv[1][1] == 'm';
	argv += is_more;
	if (argc < 3 + is_more)
		return 125;
	unsigned answer = SECCOMP_RET_ERRNO | (atoi(argv[1]) & SECCOMP_RET_DATA);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, is_more ? SYS_process_vm_readv : SYS_perf_event_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof code[0], code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 124;
	execvp(argv[2], argv + 2);
	return 127;
}
C
cat >hard.c <<'C'
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile double sink;
static const char *self;

__attribute__((noinline)) void burn(long n)
{
	for (long i = 0; i < n; i++)
		sink = sink * 0.999 + 1;
}
__attribute__((noinline)) static void hot(long n) { burn(n); sink++; }
__attribute__((noinline)) static void warm(long n) { burn(n); sink++; }

/* Three quarters and one. */
__attribute__((noinline)) static void work(long n)
{
	for (int i = 0; i < 100; i++) {
		hot(n / 400 * 3);
		warm(n / 400);
	}
	sink++;
}

static void *worker(void *n)
{
	prctl(PR_SET_NAME, "a worker");
	work((long)n);
	return NULL;
}
static int c11_worker(void *n)
{
	work((long)n);
	return 3;
}
static void *blocking_worker(void *n)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	work((long)n);
	pthread_sigmask(SIG_SETMASK, NULL, &old);
	return (void *)(long)sigismember(&old, SIGPROF);
}
static void *leaving_worker(void *n)
{
	work((long)n);
	pthread_exit((void *)9L);
}
static int join(void *(*function)(void *), long n, long expected)
{
	pthread_t thread;
	void *result;
	if (pthread_create(&thread, NULL, function, (void *)n) != 0 || pthread_join(thread, &result) != 0)
		return 1;
	return (long)result == expected ? 0 : 2;
}

static ucontext_t outside, inside;
static void coroutine(void)
{
	work(200000000);
	swapcontext(&inside, &outside);
}
static int coroutines(void)
{
	static char stack[256 << 10];
	getcontext(&inside);
	inside.uc_stack.ss_sp = stack;
	inside.uc_stack.ss_size = sizeof stack;
	inside.uc_link = &outside;
	makecontext(&inside, coroutine, 0);
	swapcontext(&outside, &inside);
	return 0;
}

/* In a handler on a stack for signals. */
static void on_alarm(int number)
{
	(void)number;
	work(200000000);
}
static int alternate(void)
{
	stack_t stack = { .ss_sp = malloc(64 << 10), .ss_size = 64 << 10 };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_ONSTACK };
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	return 0;
}

/* Too small for a signal's frame on many CPUs: none may come there. */
static int small(void)
{
	static char bytes[2048];
	stack_t stack = { .ss_sp = bytes, .ss_size = sizeof bytes };
	sigaltstack(&stack, NULL);
	work(200000000);
	return 0;
}

static volatile int n_own, n_strange;
static void on_own(int number, siginfo_t *information, void *context)
{
	(void)number;
	(void)context;
	n_own++;
	n_strange += information->si_code == SI_TIMER;
}
/* Its own SIGPROF by a timer of the process, a mask around a part, and a handler asked back. */
static int shared(void)
{
	struct sigaction action = { .sa_sigaction = on_own, .sa_flags = SA_SIGINFO | SA_RESTART }, now;
	struct itimerval every = { { 0, 10000 }, { 0, 10000 } }, never = { { 0, 0 }, { 0, 0 } };
	sigset_t only, mask;
	sigaction(SIGPROF, &action, NULL);
	sigaction(SIGPROF, NULL, &now);
	setitimer(ITIMER_PROF, &every, NULL);
	work(200000000);
	setitimer(ITIMER_PROF, &never, NULL);
	if (n_own < 5 || n_strange || now.sa_sigaction != on_own)
		return 1;
	sigemptyset(&only);
	sigaddset(&only, SIGPROF);
	sigprocmask(SIG_BLOCK, &only, NULL);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	int n = n_own;
	raise(SIGPROF);
	if (n_own != n || !sigismember(&mask, SIGPROF))
		return 2;
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	if (n_own != n + 1 || signal(SIGPROF, SIG_IGN) != (void (*)(int))on_own)
		return 3;
	raise(SIGPROF);
	return n_own == n + 1 ? 0 : 4;
}

/* errno is the program's, and sleeps and reads are not cut short. */
static int errnos(void)
{
	struct timespec start, end;
	for (int i = 0; i < 300; i++) {
		errno = 4711;
		burn(1000000);
		if (errno != 4711)
			return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	struct timespec pause = { 0, 200000000 };
	if (nanosleep(&pause, NULL) != 0)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000 >= 200 ? 0 : 3;
}

static int children(int n, long each)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		int status;
		if (pid == 0) {
			work(each);
			exit(4);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 4)
			return 1;
	}
	return 0;
}
static int many_threads(int n, long each)
{
	int status = 0;
	for (int i = 0; i < n && status == 0; i++)
		status = join(worker, each, 0);
	return status;
}
static int late(void)
{
	void *library = dlopen("./liblate.so", RTLD_NOW);
	void (*function)(void (*)(long), long) = NULL;
	*(void **)&function = library ? dlsym(library, "loaded_late") : NULL;
	if (!function)
		return 1;
	for (int i = 0; i < 100; i++)
		function(burn, 4000000);
	return 0;
}
static int recurse(int n) { if (n == 0) { work(100000000); return 0; } return recurse(n - 1) + (sink < 0); }

/* Behind the library's back. */
static int held(void)
{
	unsigned long only = 1ul << (SIGPROF - 1);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &only, NULL, 8);
	work(400000000);
	syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &only, NULL, 8);
	work(50000000);
	return 0;
}
static volatile int is_raw_done;
static int raw_worker(void *n)
{
	burn((long)n);
	is_raw_done = 1;
	syscall(SYS_exit, 0);
	return 0;
}
/* A thread that the C library knows nothing of. */
static int raw(void)
{
	static char stack[256 << 10] __attribute__((aligned(16)));
	work(50000000);
	if (clone(raw_worker, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		    (void *)300000000L) < 0)
		return 1;
	while (!is_raw_done)
		usleep(1000);
	return 0;
}
static volatile int is_loose;
static void *loose_worker(void *n) { while (!is_loose) work((long)n); return NULL; }

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	self = argv[0];
	if (strcmp(what, "plain") == 0) {
		int status = join(worker, 300000000, 0);
		work(300000000);
		return status + children(1, 200000000) ? 1 : 7;
	}
	if (strcmp(what, "c11") == 0) {
		thrd_t thread;
		int result = 0;
		if (thrd_create(&thread, c11_worker, (void *)200000000L) != thrd_success)
			return 1;
		thrd_join(thread, &result);
		return result;
	}
	if (strcmp(what, "blocked") == 0)
		return join(blocking_worker, 300000000, 1);
	if (strcmp(what, "leaves") == 0)
		return join(leaving_worker, 200000000, 9);
	if (strcmp(what, "coroutine") == 0)
		return coroutines();
	if (strcmp(what, "alternate") == 0)
		return alternate();
	if (strcmp(what, "small") == 0)
		return small();
	if (strcmp(what, "shared") == 0)
		return shared();
	if (strcmp(what, "errno") == 0)
		return errnos();
	if (strcmp(what, "forks") == 0)
		return children(100, 10000000);
	if (strcmp(what, "threads") == 0)
		return many_threads(500, 2000000);
	if (strcmp(what, "late") == 0)
		return late();
	if (strcmp(what, "deep") == 0)
		return recurse(60);
	if (strcmp(what, "held") == 0)
		return held();
	if (strcmp(what, "raw") == 0)
		return raw();
	if (strcmp(what, "closes") == 0) {
		if (syscall(SYS_close_range, 3u, ~0u, 0) != 0)
			return 1;
		work(200000000);
		return 5;
	}
	if (strcmp(what, "execs") == 0) {
		work(100000000);
		execl(self, self, "leaves", (char *)NULL);
	}
	if (strcmp(what, "profiled") == 0) { /* dies of its own, as without us */
		signal(SIGPROF, SIG_DFL);
		work(50000000);
		raise(SIGPROF);
	}
	if (strcmp(what, "killed") == 0) {
		work(100000000);
		raise(SIGKILL);
	}
	if (strcmp(what, "quits") == 0) { /* while another thread works */
		pthread_t thread;
		pthread_create(&thread, NULL, loose_worker, (void *)1000000L);
		work(200000000);
		return 6;
	}
	return 9; /* at once */
}
C
printf 'void loaded_late(void (*f)(long), long n) { f(n); __asm__ volatile(""); }\n' >late.c
{
	cc -O1 -o deny deny.c && cc -D_GNU_SOURCE -O1 -g -pthread -o hard hard.c -ldl && cc -O1 -g -shared -fPIC -o liblate.so late.c
} || exit 1
./deny 1 true || { skip "seccomp filters are not permitted here"; finish; }

fail() { # WHAT FILE
	n_failed=$((n_failed + 1))
	echo "FAIL $1"
	tail -n 8 "$2" | cut -c1-200
}
folded() { "$stoke" export -f --format folded -o "$2" "$1" 2>>err; }
# share PATTERN FILE [NEEDLE]: per cent of the lines with NEEDLE whose samples fit
share() {
	awk -v pattern="$1" -v needle="${3:-.}" '$0 ~ needle { n = $NF; all += n; if ($0 ~ pattern) part += n }
		END { printf "%d\n", all ? 100 * part / all + 0.5 : -1 }' "$2"
}
# forbidden NAME STATUS PATTERN...: record ./hard NAME where perf is forbidden; every pattern in a stack
forbidden() {
	local name=$1 status=$2 got pattern
	shift 2
	timeout 60 ./deny 1 "$stoke" record -f -v -o a.stoke -- ./hard "$name" >out 2>err
	got=$?
	folded a.stoke a.folded
	[ "$got" = "$status" ] || { fail "$name: status $got, not $status" err; return; }
	for pattern; do
		grep -qE "$pattern" a.folded || { fail "$name: no stack fits /$pattern/" a.folded; return; }
	done
	grep -q 'libstoke-timer' a.folded && { fail "$name: the library is in its own stacks" a.folded; return; }
	ok "$name"
}
# near NAME PATTERN EXPECTED [NEEDLE]: of what was just recorded, within 5 points and three standard errors of
# so many samples; what is expected is often of as few
near() {
	local got allowed
	got=$(share "$2" a.folded "${4:-.}")
	allowed=$(awk -v p="$3" -v needle="${4:-.}" '$0 ~ needle { n += $NF }
		END { p /= 100; printf "%d\n", n ? 5.5 + 300 * sqrt(p * (1 - p) / n) : 0 }' a.folded)
	if [ "$got" -ge $(($3 - allowed)) ] && [ "$got" -le $(($3 + allowed)) ]; then
		ok "$1: $got %"
	else
		fail "$1: $got %, not $3 %" a.folded
	fi
}

# ---- the same as perf
forbidden plain 7 '^hard;.*;main;work;hot;burn' '^a worker;clone.*;start_thread;worker;work;hot;burn' ';children;work;hot;burn'
cp a.folded timer.folded
near "its hot function" ';hot;burn' 75
near "its worker" '^a worker;' 38
grep -q 'perf_event_open is forbidden here (Operation not permitted: ' <(tr -s '\n ' ' ' <err) && ok "the reason" || fail "the reason" err
grep -q 'The timer fired [0-9]* times in a second' <(tr -s '\n ' ' ' <err) && ok "the rate" || fail "the rate" err
grep -qE 'samples of cpu-timer at [1-9][0-9]{1,2} Hz' err && ok "the rate in a word" || fail "the rate in a word" err
[ "$(grep -c 'stoke: warning' err)" = 1 ] && ok "nothing else to warn of" || fail "another warning" err
if "$stoke" record -f -q --all-user -o p.stoke -- ./hard plain 2>err; [ $? = 7 ]; then
	folded p.stoke a.folded
	for part in ';hot;burn' ';warm;burn' '^a worker;' ';children;'; do
		near "$part as by perf" "$part" "$(share "$part" timer.folded)"
	done
else
	skip "perf_event_open does not work here, so there is nothing to compare with: $(tail -n 1 err)"
fi

# ---- threads, signals, stacks, processes
forbidden c11 3 ';c11_worker;work;hot;burn'
forbidden blocked 0 ';blocking_worker;work;hot;burn'
near "a thread that blocks every signal" ';hot;burn' 75
forbidden leaves 0 ';leaving_worker;work;hot;burn'
forbidden coroutine 0 ';coroutine;work;hot;burn'
forbidden alternate 0 ';on_alarm;work;hot;burn'
forbidden small 0 ';main;small;work;hot;burn'
forbidden shared 0 ';shared;work;hot;burn'
grep -q 'The program handles SIGPROF too' <(tr -s '\n ' ' ' <err) && ok "shared: it is told" || fail "shared: it is not told" err
forbidden errno 0 ';errnos;burn'
forbidden deep 0 ';main;recurse;recurse;recurse;.*;work;hot;burn'
forbidden late 0 ';late;loaded_late;burn'
forbidden closes 5 ';main;work;hot;burn'
forbidden execs 0 ';main;work;hot;burn' ';leaving_worker;work;hot;burn'
forbidden forks 0 ';children;work;hot;burn'
near "forked children" ';hot;burn' 75 ';work;'
forbidden threads 0 ';worker;work;hot;burn'
near "threads of a tick's length" ';hot;burn' 75 ';work;'
forbidden quits 6 ';main;work;hot;burn' ';loose_worker;work;hot;burn'
forbidden raw 0 ';main;raw;work;hot;burn'
grep -q 'of CPU time of a process is in no sample' <(tr -s '\n ' ' ' <err) && ok "raw: it is told" || fail "raw: it is not told" err
forbidden held 0 ';main;held;'
grep -q 'came 0.2 s or more after the last one' <(tr -s '\n ' ' ' <err) && ok "held: it is told" || fail "held: it is not told" err
forbidden killed 137 ';main;work;hot;burn'
forbidden profiled 155 ';main;work;hot;burn'
forbidden nothing 9
timeout 60 ./deny -m 1 "$stoke" record -f -q -o a.stoke -- ./hard coroutine 2>err && folded a.stoke a.folded
grep -qE ';coroutine;work;hot;burn' a.folded && ok "a coroutine, without process_vm_readv" || fail "a coroutine, without process_vm_readv" a.folded

# ---- other programs
timeout 60 ./deny 1 "$stoke" record -f -q -o a.stoke -- sh -c './hard deep; ./hard c11; exit 11' 2>err
[ $? = 11 ] && folded a.stoke a.folded && grep -q ';recurse;' a.folded && grep -q ';c11_worker;' a.folded &&
	ok "a shell's children" || fail "a shell's children" a.folded
if cc -D_GNU_SOURCE -O1 -g -pthread -static -o still hard.c 2>/dev/null; then
	timeout 60 ./deny 1 "$stoke" record -f -o a.stoke -- ./still deep >out 2>err
	[ $? = 0 ] && grep -q 'Nothing of ./still was sampled' <(tr -s '\n ' ' ' <err) && ok "a static program says so" ||
		fail "a static program" err
fi
if cc -D_GNU_SOURCE -O1 -g -pthread -fsanitize=address -o checked hard.c 2>/dev/null; then
	timeout 60 ./deny 1 "$stoke" record -f -q -o a.stoke -- ./checked plain >out 2>err
	[ $? = 7 ] && folded a.stoke a.folded && grep -q ';work;hot;burn' a.folded && ! grep -q ERROR err &&
		ok "a program with the address sanitizer" || fail "a program with the address sanitizer" err
fi
if cc -D_GNU_SOURCE -O1 -pg -pthread -o counted hard.c 2>/dev/null; then
	timeout 60 ./deny 1 "$stoke" record -f -o a.stoke -- ./counted deep >out 2>err
	[ $? = 0 ] && grep -q 'took SIGPROF for itself' <(tr -s '\n ' ' ' <err) && ok "a program of gcc -pg is told" ||
		fail "a program of gcc -pg" err
fi

# ---- built-in workloads: the function with most time of its own, of a variant that is not chosen by trying.
# First touching memory that the machine's host has to find takes as long as it takes.
hottest() { # FILE
	awk '{ n = $NF; sub(/ [0-9]+$/, ""); k = split($0, part, ";"); sum[part[k]] += n }
		END { for (f in sum) if (sum[f] > most) { most = sum[f]; best = f }; print best }' "$1"
}
for workload in "triad variant=scalar" "gbdt histogram=scalar simd=scalar"; do
	# shellcheck disable=SC2086
	if timeout 100 ./deny 38 "$stoke" run $workload --headless -f -q --no-inline --duration 5s -o a.stoke >out 2>err; then
		folded a.stoke all.folded
		grep -v 'fill_share' all.folded >a.folded
		hot=$(hottest a.folded)
		# shellcheck disable=SC2086
		if "$stoke" run $workload --headless -f -q --no-inline --duration 5s --all-user -o p.stoke >out 2>>err; then
			folded p.stoke p.folded
			near "$workload: $hot as by perf" ";$hot [0-9]" "$(grep -v 'fill_share' p.folded | share ";$hot [0-9]" -)"
		else
			ok "run $workload"
		fi
	else
		fail "run $workload" err
	fi
done

# ---- what is said and what is refused
./deny 38 "$stoke" record -f -o a.stoke -- ./hard deep 2>err
grep -q 'forbidden here (Function not implemented: ' <(tr -s '\n ' ' ' <err) && ok "ENOSYS" || fail "ENOSYS" err
for word in hw kernel; do
	./deny 1 "$stoke" record -f --require $word -o a.stoke -- touch ran >out 2>err
	[ $? = 3 ] && [ ! -e ran ] && ok "--require $word" || fail "--require $word" err
done
./deny 1 "$stoke" record -f -q --require callgraph -o a.stoke -- ./hard deep 2>err && ok "--require callgraph" || fail "--require callgraph" err
./deny 1 "$stoke" record -f -q --call-graph none -o a.stoke -- ./hard deep 2>err && folded a.stoke a.folded
grep -qE '^hard;burn [0-9]+$' a.folded && ! grep -q ';main;' a.folded && ok "without callers" || fail "without callers" a.folded
./deny 1 "$stoke" record -f -q --no-inherit -o a.stoke -- ./hard plain 2>err; folded a.stoke a.folded
grep -q ';main;work;hot;burn' a.folded && ! grep -qE '^a worker|;children;' a.folded && ok "--no-inherit" || fail "--no-inherit" a.folded
./deny 1 "$stoke" record -f -q -o a.stoke -p $$ >out 2>err
[ $? = 125 ] && grep -q 'Cannot attach to' err && ok "attaching fails as before" || fail "attaching" err
cp "$stoke" alone
./deny 1 ./alone record -f -q -o a.stoke -- true >out 2>err
[ $? = 125 ] && grep -q 'perf_event_open' err && ok "without the library it fails as before" || fail "without the library" err
./deny 1 "$stoke" doctor >out 2>err; grep -q 'cpu-timer  *used: perf_event_open is forbidden' out && ok "doctor" || fail "doctor" out
mkdir -p "a folder" && cp "$stoke" "$(dirname "$stoke")/libstoke-timer.so" "a folder/"
./deny 1 "a folder/stoke" doctor >out 2>err; grep -q 'name has a blank' <(tr -s '\n ' ' ' <out) && ok "a folder with a blank" || fail "a folder with a blank" out
finish
