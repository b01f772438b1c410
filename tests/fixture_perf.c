/* Asked of the kernel itself: perf_event_open_member would come back here. */
#include "tests/fixture_perf.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

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
