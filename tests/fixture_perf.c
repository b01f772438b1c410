/* What stands in for an event is asked of the kernel itself: perf_event_open_member would come back
 * here. */
#include "tests/fixture_perf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sampler/base/why.h"
#include "sampler/perf_event.h"

int fixture_perf_open(const struct perf_event_attr *attribute, enum perf_sw_ids event, pid_t pid,
		      int cpu, int leader_fd)
{
	struct perf_event_attr copy = *attribute;
	copy.type = PERF_TYPE_SOFTWARE;
	copy.config = event;
	copy.config1 = copy.config2 = 0;
	copy.precise_ip = 0;
	copy.exclude_kernel = copy.exclude_hv = 1;
	long fd = syscall(SYS_perf_event_open, &copy, pid, cpu, leader_fd, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

struct counted_event fixture_event(const char *name)
{
	struct counted_event event;
	struct why why;
	if (!event_resolve_counted(name, &event, &why))
		fail_msg("%s", why.text);
	return event;
}

static bool can_open(const struct perf_event_attr *attribute)
{
	int fd = perf_event_open_fd(attribute, 0, -1);
	if (fd >= 0)
		close(fd);
	else
		printf("SKIP: perf_event_open is refused here (%s)\n", strerror(-fd));
	return fd >= 0;
}

bool fixture_can_count(const char *name)
{
	struct counted_event event = fixture_event(name);
	return can_open(&event.sampled.attribute);
}

bool fixture_can_sample(void)
{
	const struct perf_event_attr attribute = { .type = PERF_TYPE_SOFTWARE,
						   .size = sizeof attribute,
						   .config = PERF_COUNT_SW_CPU_CLOCK,
						   .exclude_kernel = 1,
						   .exclude_hv = 1,
						   .disabled = 1 };
	return can_open(&attribute);
}

void fixture_touch_pages(size_t n_pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, n_pages * page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("there is no memory for %zu pages", n_pages);
	madvise(memory, n_pages * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < n_pages; i++)
		((volatile char *)memory)[i * page] = 1;
	munmap(memory, n_pages * page);
}
