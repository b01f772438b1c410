/*
 * What libstoke-timer.so sends. A sample is taken in a signal handler, at any instruction of the
 * program: nothing here allocates, locks or keeps more than some hundred bytes on the stack, which
 * may be a small one of the program's for signals. The stack is copied by a loop of our own:
 * memcpy() may be a sanitizer's, to which the program's stack is full of forbidden places.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "sampler/inject_timer.h"

enum {
	PAGE_BYTES = 4096, /* the smallest there is */
	MOST_PAGES = UINT16_MAX / PAGE_BYTES + 2,
	STEP_WORDS = 8,
	MAPS_BYTES = 16 << 10,
	LATE_NS = 200 * 1000 * 1000, /* the slowest tick is 10 ms */
	LATE_INTERVALS = 20,
	MISSED_NS = 100 * 1000 * 1000, /* in no sample; ends of some dozen threads */
	MISSED_PART = 10,              /* of a tenth of all */
	NO_SUCH_HOW = INT_MAX,         /* of rt_sigprocmask */
};

static struct timer_control *control; /* NULL: nothing is to be done */
static struct timer_shape shape;
static uint32_t pid;
/* CPU time of this process before the library came into it, and what its threads have told. */
static uint64_t before_ns;
static _Atomic uint64_t told_ns;

const struct timer_control *timer_samples_control(void)
{
	return control;
}

bool timer_samples_open(void)
{
	struct why why;
	const char *text = getenv("STOKE_TIMER_FD");
	long fd = text ? strtol(text, NULL, 10) : -1;
	struct timer_control *memory =
		fd >= 3 && fd <= INT_MAX ? timer_memory_map((int)fd, &shape, &why) : NULL;
	pid = (uint32_t)getpid();
	if (memory && memory->only_pid && memory->only_pid != pid) {
		timer_memory_unmap(memory, &shape);
		memory = NULL;
	}
	control = memory;
	return memory != NULL;
}

static uint64_t clock_of(clockid_t clock)
{
	struct timespec now = { 0 };
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool claim(uint64_t *place)
{
	return shared_ring_claim(timer_memory_ring(control), shape.n_records, place);
}

static void commit(uint64_t place, uint32_t type, const void *payload, size_t bytes)
{
	struct shared_record record = { .type = type, .pid = pid };
	record.time_ns = clock_of(CLOCK_MONOTONIC);
	record.tid = timer_thread_here()->tid;
	__builtin_memcpy(record.payload, payload, bytes);
	shared_ring_commit(timer_memory_ring(control), shape.n_records, place, &record);
}

/* ---- stacks */

/* The barrier keeps the compiler from making a call of memcpy() of it. */
static void copy_words(uint64_t *to, uint64_t from, size_t n)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): a register's value is an address */
	const char *at = (const char *)from;
	for (; n >= STEP_WORDS; n -= STEP_WORDS, to += STEP_WORDS, at += STEP_WORDS * 8) {
		__builtin_memcpy(to, at, sizeof(uint64_t[STEP_WORDS]));
		__asm__ volatile("" ::: "memory");
	}
	for (; n > 0; n--, to++, at += 8) {
		__builtin_memcpy(to, at, 8);
		__asm__ volatile("" ::: "memory");
	}
}

/* The kernel reads eight bytes there, or says that it cannot; then it does not like `how`. */
static bool is_readable(uint64_t address)
{
	return syscall(SYS_rt_sigprocmask, NO_SUCH_HOW, address, NULL, 8) != 0 && errno == EINVAL;
}

static size_t to_page_end(uint64_t address, size_t most)
{
	size_t n = PAGE_BYTES - (address & (PAGE_BYTES - 1));
	return n < most ? n : most;
}

static size_t copy_by_pages(uint64_t *to, uint64_t from, size_t bytes)
{
	size_t done = 0;
	while (done < bytes && is_readable(from + done)) {
		size_t n = to_page_end(from + done, bytes - done);
		copy_words(to + done / 8, from + done, n / 8);
		done += n;
	}
	return done;
}

/* Of a stack whose bounds are not known: a coroutine's, one for signals. The kernel copies what is
 * there, page by page; where it may not be asked, pages are tried one by one. */
static size_t copy_carefully(uint64_t *to, uint64_t from, size_t bytes)
{
	struct iovec pages[MOST_PAGES], here = { to, bytes };
	size_t n = 0;
	for (size_t at = 0; at < bytes && n < MOST_PAGES; n++) {
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): a register's value is an address */
		pages[n].iov_base = (void *)(from + at);
		pages[n].iov_len = to_page_end(from + at, bytes - at);
		at += pages[n].iov_len;
	}
	long copied = syscall(SYS_process_vm_readv, pid, &here, 1, pages, n, 0);
	if (copied < 0 && errno != EFAULT)
		return copy_by_pages(to, from, bytes);
	return copied > 0 ? (size_t)copied : 0;
}

static uint32_t copy_stack(uint64_t *to, uint64_t from, const struct timer_thread *thread)
{
	size_t bytes = shape.stack_bytes;
	if (from % 8 != 0 || from > UINT64_MAX - bytes)
		return 0;
	if (from < thread->stack_low || from >= thread->stack_high)
		return (uint32_t)copy_carefully(to, from, bytes) & ~7u;
	if (bytes > thread->stack_high - from)
		bytes = (thread->stack_high - from) & ~7ull;
	copy_words(to, from, bytes / 8);
	return (uint32_t)bytes;
}

/* ---- registers, in the order of UNWIND_REGISTER_MASK; returns the stack pointer */

#if defined(__x86_64__)
static uint64_t copy_registers(uint64_t *to, const ucontext_t *context)
{
	static const uint8_t order[] = { REG_RAX,    REG_RBX,    REG_RCX, REG_RDX, REG_RSI,
					 REG_RDI,    REG_RBP,    REG_RSP, REG_RIP, REG_EFL,
					 REG_CSGSFS, REG_CSGSFS, REG_R8,  REG_R9,  REG_R10,
					 REG_R11,    REG_R12,    REG_R13, REG_R14, REG_R15 };
	_Static_assert(sizeof order == UNWIND_N_REGISTERS, "one of each");
	for (size_t i = 0; i < sizeof order; i++)
		to[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
	to[10] &= UINT16_MAX; /* CS is the first of four in one word, SS the last */
	to[11] = to[11] >> 48;
	return to[7];
}
#elif defined(__aarch64__)
static uint64_t copy_registers(uint64_t *to, const ucontext_t *context)
{
	for (size_t i = 0; i < 31; i++)
		to[i] = context->uc_mcontext.regs[i];
	to[31] = context->uc_mcontext.sp;
	to[32] = context->uc_mcontext.pc;
	return to[31];
}
#else
static uint64_t copy_registers(uint64_t *to, const ucontext_t *context)
{
	for (size_t i = 0; i < UNWIND_N_REGISTERS; i++)
		to[i] = context->uc_mcontext.__gregs[i];
	return to[2];
}
#endif

/* ---- records */

static uint64_t spent(struct timer_thread *thread)
{
	uint64_t cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID);
	uint64_t spent_ns = cpu_ns > thread->last_ns ? cpu_ns - thread->last_ns : 0;
	thread->last_ns = cpu_ns;
	atomic_fetch_add_explicit(&told_ns, spent_ns, memory_order_relaxed);
	return spent_ns;
}

static bool is_on(void)
{
	return control && atomic_load_explicit(&control->state, memory_order_relaxed) == TIMER_ON;
}

static void lose(uint64_t cpu_ns)
{
	atomic_fetch_add_explicit(&control->lost_ns, cpu_ns, memory_order_relaxed);
}

/* Who outlives the recording is left alone. */
static void end_if_over(struct timer_thread *thread)
{
	if (control && atomic_load(&control->state) != TIMER_OVER)
		return;
	thread->has_timer = false;
	timer_delete(thread->timer);
}

void timer_samples_take(const void *context)
{
	uint64_t place;
	struct timer_thread *thread = timer_thread_here();
	struct timer_sample sample = { .cpu_ns = spent(thread) };
	if (!is_on()) {
		end_if_over(thread);
		return;
	}
	if (!claim(&place)) {
		lose(sample.cpu_ns);
		return;
	}
	uint64_t *block = timer_memory_block(control, &shape, place);
	uint64_t stack = copy_registers(block, context);
	sample.stack_bytes = copy_stack(block + UNWIND_N_REGISTERS, stack, thread);
	prctl(PR_GET_NAME, sample.name);
	commit(place, TIMER_SAMPLE, &sample, sizeof sample);
}

bool timer_samples_rest(struct timer_thread *thread)
{
	uint64_t place;
	struct timer_sample sample = { .cpu_ns = spent(thread) };
	if (!is_on() || sample.cpu_ns == 0)
		return false;
	prctl(PR_GET_NAME, sample.name);
	if (claim(&place))
		commit(place, TIMER_REST, &sample, sizeof sample);
	else
		lose(sample.cpu_ns);
	return sample.cpu_ns > LATE_NS && sample.cpu_ns / LATE_INTERVALS > control->interval_ns;
}

void timer_samples_sum(void)
{
	uint64_t all_ns = clock_of(CLOCK_PROCESS_CPUTIME_ID) - before_ns;
	uint64_t told = atomic_load(&told_ns);
	uint64_t missed_ns = all_ns > told ? all_ns - told : 0;
	if (is_on() && missed_ns > MISSED_NS && missed_ns > all_ns / MISSED_PART)
		timer_samples_problem(TIMER_MISSED, (int)(missed_ns / 1000000));
}

void timer_samples_problem(enum timer_problem_code code, int error)
{
	uint64_t place;
	struct timer_problem problem = { code, (uint32_t)error };
	if (control && claim(&place))
		commit(place, TIMER_PROBLEM, &problem, sizeof problem);
}

/* ---- a new process */

static void send_maps(const char *text, size_t bytes)
{
	uint64_t place;
	struct timer_maps maps = { (uint32_t)bytes };
	if (bytes == 0 || !claim(&place))
		return;
	memcpy(timer_memory_block(control, &shape, place), text, bytes);
	commit(place, TIMER_MAPS, &maps, sizeof maps);
}

/* "7f12-7f34 r-xp ..." */
static bool is_code(const char *line, size_t bytes)
{
	const char *blank = memchr(line, ' ', bytes);
	return blank && (size_t)(blank - line) + 3 < bytes && blank[3] == 'x';
}

/* The whole lines at the text's start are sent if they are code; returns how many bytes they are.
 */
static size_t send_lines(char *text, size_t bytes)
{
	size_t used = 0, kept = 0;
	const char *end;
	while ((end = memchr(text + used, '\n', bytes - used))) {
		size_t n = (size_t)(end - text) + 1 - used;
		if (is_code(text + used, n) && n <= shape.block_bytes) {
			if (kept + n > shape.block_bytes) {
				send_maps(text, kept);
				kept = 0;
			}
			memmove(text + kept, text + used, n);
			kept += n;
		}
		used += n;
	}
	send_maps(text, kept);
	return used;
}

/* At the start there is one thread; what is loaded later the profiler finds in /proc itself. */
static void send_all_maps(void)
{
	static char text[MAPS_BYTES];
	size_t n_held = 0;
	ssize_t n;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && n_held < sizeof text &&
	       (n = read(fd, text + n_held, sizeof text - n_held)) > 0) {
		n_held += (size_t)n;
		size_t used = send_lines(text, n_held);
		memmove(text, text + used, n_held - used);
		n_held -= used;
	}
	if (fd >= 0)
		close(fd);
}

void timer_samples_begin(bool is_forked)
{
	uint64_t place;
	struct timer_process process = { .parent_pid = (uint32_t)getppid() };
	pid = (uint32_t)getpid();
	before_ns = is_forked ? 0 : clock_of(CLOCK_PROCESS_CPUTIME_ID);
	atomic_store(&told_ns, 0);
	prctl(PR_GET_NAME, process.name);
	if (claim(&place))
		commit(place, is_forked ? TIMER_FORKED : TIMER_STARTED, &process, sizeof process);
	if (!is_forked)
		send_all_maps();
}
