/* Each kind of event is opened on this very process, as recording would open it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "counters/events.h"
#include "sampler/base/why.h"
#include "sampler/perf_event.h"
#include "sampler/unwind.h"
#include "tui/doctor.h"

enum {
	PROBE_HZ = 97,
	PROBE_STACK_BYTES = 8192,
	PROBE_RING_BYTES = 512 << 10, /* the smallest ring that recording asks for */
};

struct probe {
	const char *label, *event, *good;
	enum origin origin;
	uint64_t sample_type; /* on top of the address */
};

static const struct probe counters[] = {
	{ "cycles", "cycles", "samples by the CPU's own clock", ORIGIN_MEASURED, 0 },
	{ "instructions", "instructions", "counted by the CPU", ORIGIN_MEASURED, 0 },
	{ "cache-misses", "cache-misses", "counted by the CPU", ORIGIN_MEASURED, 0 },
	{ "branch-misses", "branch-misses", "counted by the CPU", ORIGIN_MEASURED, 0 },
	{ "cpu-clock", "cpu-clock", "samples by the kernel's timer, user and kernel",
	  ORIGIN_SOFTWARE, 0 },
	{ "cpu-clock:u", "cpu-clock:u", "samples by the kernel's timer, user code only",
	  ORIGIN_SOFTWARE, 0 },
	{ "page-faults", "page-faults:u", "counted by the kernel", ORIGIN_SOFTWARE, 0 },
	{ 0 },
};

static const struct probe stacks[] = {
	{ "fp", "cpu-clock:u", "chains of frame pointers, walked by the kernel", ORIGIN_SOFTWARE,
	  PERF_SAMPLE_CALLCHAIN },
	{ "dwarf", "cpu-clock:u", "registers and stack copied, unwound by stoke", ORIGIN_SOFTWARE,
	  PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER },
	{ 0 },
};

/* A descriptor, or a negative errno. */
static int open_probe(const struct probe *probe, struct why *why)
{
	struct sampled_event event;
	if (!event_resolve(probe->event, &event, why))
		return -EINVAL;
	struct perf_event_attr *attribute = &event.attribute;
	attribute->sample_type = PERF_SAMPLE_IP | probe->sample_type;
	attribute->freq = 1;
	attribute->sample_freq = PROBE_HZ;
	attribute->disabled = 1;
	attribute->exclude_hv = 1;
	if (probe->sample_type & PERF_SAMPLE_REGS_USER) {
		attribute->sample_regs_user = UNWIND_REGISTER_MASK;
		attribute->sample_stack_user = PROBE_STACK_BYTES;
	}
	int fd = perf_event_open_fd(attribute, 0, -1);
	if (fd < 0)
		perf_event_explain(probe->event, -fd, why);
	return fd;
}

static void print_probes(const struct doctor *doctor, const struct probe *probe)
{
	char same[64];
	const char *failed = NULL; /* the last one that did */
	int error = 0;
	for (; probe->label; probe++) {
		struct why why;
		int fd = open_probe(probe, &why);
		if (fd >= 0) {
			doctor_line(doctor, probe->origin, probe->label, probe->good);
			close(fd);
			continue;
		}
		snprintf(same, sizeof same, "neither, for the reason of %s", failed ? failed : "");
		doctor_line(doctor, ORIGIN_UNAVAILABLE, probe->label,
			    failed && fd == error ? same : why.text);
		if (!failed || fd != error)
			failed = probe->label;
		error = fd;
	}
}

static void print_ring(const struct doctor *doctor)
{
	static const struct probe plain = { "ring", "cpu-clock:u", "", ORIGIN_SOFTWARE, 0 };
	static struct perf_ring ring; /* 64 KiB: too much for a stack */
	struct why why;
	int fd = open_probe(&plain, &why);
	if (fd >= 0 && perf_ring_open(&ring, fd, PROBE_RING_BYTES, &why)) {
		doctor_line(doctor, ORIGIN_SOFTWARE, "ring", "512 KiB can be mapped");
		perf_ring_close(&ring);
	} else {
		doctor_line(doctor, ORIGIN_UNAVAILABLE, "ring", why.text);
	}
	if (fd >= 0)
		close(fd);
}

void doctor_events(const struct doctor *doctor)
{
	puts("\nEvents (tried on this process)");
	print_probes(doctor, counters);
	print_ring(doctor);
	puts("\nCall graphs");
	print_probes(doctor, stacks);
}
