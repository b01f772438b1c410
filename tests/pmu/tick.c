/*
 * tick PERIOD: a cycles event on the CPU that overflows each PERIOD cycles, until killed. QEMU's
 * arm64 counters (7.2 to 10.0) notice an overflow of any event but the first cycles event only at
 * the next exception; this makes exceptions.
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct perf_event_attr attribute = {
		.size = sizeof attribute,
		.type = PERF_TYPE_HARDWARE,
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.sample_period = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000,
		.pinned = 1,
	};
	if (syscall(SYS_perf_event_open, &attribute, -1, 0, -1, 0) < 0) {
		perror("tick");
		return 1;
	}
	for (;;)
		pause();
}
