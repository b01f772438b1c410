/*
 * perf_event_open fails for many reasons that are the machine's, not the user's; each errno is
 * turned into one sentence here, so that every caller says the same. The ring protocol is the
 * one of perf_event_open(2): read data_head with acquire, write data_tail with release.
 */
#include "sampler/perf_event.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sampler/base/file.h"

static int ask_kernel(const struct perf_event_attr *attribute, pid_t pid, int cpu, int leader_fd)
{
	struct perf_event_attr copy = *attribute; /* the kernel may write its size into it */
	copy.size = sizeof copy;
	long fd = syscall(SYS_perf_event_open, &copy, pid, cpu, leader_fd, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

static int (*opener)(const struct perf_event_attr *, pid_t, int, int) = ask_kernel;

void perf_event_inject(int (*other)(const struct perf_event_attr *, pid_t, int, int))
{
	opener = other ? other : ask_kernel;
}

static rlim_t soft_limit; /* what it was; 0 = it has not been raised */

bool perf_event_more_descriptors(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
		return false;
	rlim_t before = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	soft_limit = before;
	return true;
}

void perf_event_fewer_descriptors(void)
{
	struct rlimit limit;
	if (soft_limit == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = soft_limit;
	soft_limit = 0;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int perf_event_open_member(const struct perf_event_attr *attribute, pid_t pid, int cpu,
			   int leader_fd)
{
	int fd = opener(attribute, pid, cpu, leader_fd);
	/* The usual soft limit of 1024 is for programs that use select(). */
	if (fd == -EMFILE && perf_event_more_descriptors())
		fd = opener(attribute, pid, cpu, leader_fd);
	return fd;
}

int perf_event_open_fd(const struct perf_event_attr *attribute, pid_t pid, int cpu)
{
	return perf_event_open_member(attribute, pid, cpu, -1);
}

int perf_event_refusal(void)
{
	struct perf_event_attr attribute = { .size = sizeof attribute,
					     .type = PERF_TYPE_SOFTWARE,
					     .config = PERF_COUNT_SW_CPU_CLOCK,
					     .sample_period = 1000 * 1000,
					     .disabled = 1,
					     .exclude_kernel = 1,
					     .exclude_hv = 1 };
	int fd = perf_event_open_fd(&attribute, 0, -1);
	if (fd >= 0)
		close(fd);
	return fd == -EPERM || fd == -EACCES || fd == -ENOSYS ? -fd : 0;
}

long perf_event_setting(const char *name, long otherwise)
{
	char path[128], text[32];
	snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
	if (!file_read_line(path, text, sizeof text))
		return otherwise;
	char *end = text;
	long value = strtol(text, &end, 10);
	return end == text ? otherwise : value;
}

int perf_event_paranoid(void)
{
	return (int)perf_event_setting("perf_event_paranoid", INT_MIN);
}

static bool explain_permission(const char *event, int error, struct why *why)
{
	int paranoid = perf_event_paranoid();
	if (error == EPERM && geteuid() == 0)
		return why_fail(why,
				"Cannot open %s: not permitted even for root; a container's "
				"seccomp filter forbids perf_event_open; start it with "
				"--cap-add PERFMON or --security-opt seccomp=unconfined.",
				event);
	if (paranoid == INT_MIN)
		return why_fail(why,
				"Cannot open %s: permission denied and /proc/sys/kernel/"
				"perf_event_paranoid cannot be read; ask for CAP_PERFMON.",
				event);
	return why_fail(why,
			"Cannot open %s: permission denied (kernel.perf_event_paranoid is %d); run "
			"`sysctl kernel.perf_event_paranoid=1` as root or give CAP_PERFMON.",
			event, paranoid);
}

bool perf_event_explain(const char *event, int error, struct why *why)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return explain_permission(event, error, why);
	case ENOENT:
	case ENXIO:
	case ENODEV:
	case EOPNOTSUPP:
		return why_fail(why,
				"Cannot open %s: this machine does not offer it (%s), as usual in "
				"virtual machines without a virtual PMU; enable the PMU for the "
				"guest or use cpu-clock.",
				event, strerror(error));
	case EINVAL:
		return why_fail(why,
				"Cannot open %s: the kernel refuses these settings; try another "
				"event, a lower frequency (kernel.perf_event_max_sample_rate is "
				"%ld) or another --call-graph.",
				event, perf_event_setting("perf_event_max_sample_rate", -1));
	case EMFILE:
	case ENFILE:
		return why_fail(why, "Cannot open %s: too many open files; raise `ulimit -n`.",
				event);
	case EBUSY:
		return why_fail(why,
				"Cannot open %s: the counters are in use; end the other profiler.",
				event);
	case ENOSYS:
		return why_fail(why,
				"Cannot open %s: this kernel has no perf_event_open; use one built "
				"with CONFIG_PERF_EVENTS.",
				event);
	default:
		return why_fail(why, "Cannot open %s: %s; `stoke doctor` shows what works here.",
				event, strerror(error));
	}
}

bool perf_ring_open(struct perf_ring *ring, int fd, uint64_t data_bytes, struct why *why)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *base = mmap(NULL, page_bytes + data_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return why_fail(why,
				"Cannot map a ring of %llu KiB: %s; raise kernel."
				"perf_event_mlock_kb (now %ld) or `ulimit -l`.",
				(unsigned long long)(data_bytes >> 10), strerror(errno),
				perf_event_setting("perf_event_mlock_kb", -1));
	ring->page = base;
	ring->data = (const uint8_t *)base + page_bytes;
	ring->data_bytes = data_bytes;
	ring->head = ring->tail = 0;
	return true;
}

void perf_ring_close(struct perf_ring *ring)
{
	if (ring->page)
		munmap(ring->page,
		       (size_t)(ring->data - (const uint8_t *)ring->page) + ring->data_bytes);
	ring->page = NULL;
}

/* The kernel's fields are plain integers; the protocol needs acquire and release on them. */
void perf_ring_refresh(struct perf_ring *ring)
{
	ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
}

void perf_ring_release(struct perf_ring *ring)
{
	__atomic_store_n(&ring->page->data_tail, ring->tail, __ATOMIC_RELEASE);
}

const struct perf_event_header *perf_ring_peek(struct perf_ring *ring, bool *is_broken)
{
	uint64_t available = ring->head - ring->tail;
	if (available < sizeof(struct perf_event_header))
		return NULL;
	uint64_t at = ring->tail & (ring->data_bytes - 1);
	const struct perf_event_header *header = (const void *)(ring->data + at);
	uint64_t size = header->size;
	if (size < sizeof *header || size % 8 != 0 || size > available ||
	    available > ring->data_bytes) {
		*is_broken = true;
		ring->tail = ring->head;
		return NULL;
	}
	if (at + size <= ring->data_bytes)
		return header;
	uint64_t first = ring->data_bytes - at;
	memcpy(ring->wrapped, ring->data + at, first);
	memcpy((uint8_t *)ring->wrapped + first, ring->data, size - first);
	return (const void *)ring->wrapped;
}

void perf_ring_consume(struct perf_ring *ring, const struct perf_event_header *header)
{
	ring->tail += header->size;
}
