/*
 * Rings are merged through a binary heap keyed by the time of each ring's oldest record: a machine
 * with 256 CPUs must not compare 256 times for every sample.
 */
#include "sampler/cpu_rings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sampler/base/why.h"

enum {
	MOST_CPUS = 4096,
	RELEASE_BYTES = 64 << 10,
	LEAST_RING_BYTES = 128 << 10, /* two largest records fit */
};

/* "0-3,8" from /sys/devices/system/cpu/online. Returns how many; at most MOST_CPUS. */
static uint32_t online_cpus(int *cpus)
{
	FILE *file = fopen("/sys/devices/system/cpu/online", "re");
	uint32_t n = 0;
	int first, last;
	while (file && fscanf(file, "%d", &first) == 1) {
		last = first;
		if (fscanf(file, "-%d", &last) != 1)
			last = first;
		for (int cpu = first; cpu <= last && n < MOST_CPUS; cpu++)
			cpus[n++] = cpu;
		if (fgetc(file) != ',')
			break;
	}
	if (file)
		fclose(file);
	long configured = sysconf(_SC_NPROCESSORS_ONLN);
	for (int cpu = 0; n == 0 && cpu < configured && cpu < MOST_CPUS; cpu++)
		cpus[cpu] = cpu;
	return n ? n : (uint32_t)(configured > 0 ? configured : 1);
}

static struct perf_event_attr side_band_of(const struct perf_event_attr *first)
{
	struct perf_event_attr side_band = *first;
	side_band.type = PERF_TYPE_SOFTWARE;
	side_band.config = PERF_COUNT_SW_DUMMY;
	side_band.freq = 0;
	side_band.sample_period = 0;
	side_band.precise_ip = 0;
	side_band.disabled = 1;
	side_band.enable_on_exec = 1;
	return side_band;
}

static int map_ring(struct cpu_rings *rings, int fd)
{
	struct perf_ring *ring = &rings->rings[rings->n_rings];
	struct why why;
	while (!perf_ring_open(ring, fd, rings->ring_bytes, &why)) {
		/* A smaller ring for one CPU is a smaller ring for all that follow. */
		if (rings->ring_bytes / 2 < LEAST_RING_BYTES)
			return errno ? errno : ENOMEM;
		rings->ring_bytes /= 2;
	}
	rings->n_rings++;
	return 0;
}

struct opening {
	const struct perf_event_attr *attribute;
	pid_t pid;
	int cpu, leader_fd; /* leader_fd -1: it samples by itself */
	uint32_t event;     /* attribute's place + 1; 0 = the side band */
};

/* Opens one event; the first of a CPU owns its ring, others write into it. Those in a group write
 * nothing themselves. Returns an errno, or 0 and *fd. */
static int open_one(struct cpu_rings *rings, const struct opening *opening, int *fd)
{
	uint64_t id = 0;
	*fd = perf_event_open_member(opening->attribute, opening->pid, opening->cpu,
				     opening->leader_fd);
	if (*fd < 0)
		return -*fd;
	uint32_t place = rings->n_fds % rings->fds_per_cpu;
	int owner = place ? rings->fds[rings->n_fds - place] : -1;
	rings->fds[rings->n_fds++] = *fd;
	if (opening->event && ioctl(*fd, PERF_EVENT_IOC_ID, &id) == 0 && id)
		*hash_map_at(&rings->by_id, id) = opening->event;
	if (opening->leader_fd >= 0)
		return 0;
	if (owner < 0)
		return map_ring(rings, *fd);
	return ioctl(*fd, PERF_EVENT_IOC_SET_OUTPUT, owner) == 0 ? 0 : errno;
}

static int open_cpu(struct cpu_rings *rings, const struct cpu_rings_request *request, int cpu)
{
	int error = 0, fd = -1, leader_fd = -1;
	if (request->needs_side_band) {
		struct perf_event_attr side_band = side_band_of(&request->attributes[0]);
		struct opening opening = { &side_band, request->pid, cpu, -1, 0 };
		error = open_one(rings, &opening, &fd);
	}
	for (uint32_t i = 0; i < request->n_attributes && !error; i++) {
		struct perf_event_attr attribute = request->attributes[i];
		bool is_read = i > 0 && request->is_read && request->is_read[i];
		struct opening opening = { &attribute, request->pid, cpu, is_read ? leader_fd : -1,
					   i + 1 };
		if (request->needs_side_band || i > 0)
			attribute.mmap = attribute.mmap2 = attribute.comm = attribute.task = 0;
		error = open_one(rings, &opening, &fd);
		if (!is_read)
			leader_fd = fd;
	}
	return error;
}

int cpu_rings_open(struct cpu_rings *rings, const struct cpu_rings_request *request)
{
	int *cpus = allocate(MOST_CPUS, sizeof *cpus);
	uint32_t n_cpus = online_cpus(cpus);
	memset(rings, 0, sizeof *rings);
	rings->has_side_band = request->needs_side_band;
	rings->fds_per_cpu = request->n_attributes + (request->needs_side_band ? 1 : 0);
	rings->ring_bytes = request->ring_bytes;
	rings->layout.sample_type = request->attributes[0].sample_type;
	rings->layout.register_mask = request->attributes[0].sample_regs_user;
	rings->layout.read_format = request->attributes[0].read_format;
	rings->rings = allocate(n_cpus, sizeof *rings->rings);
	rings->heap = allocate(n_cpus, sizeof *rings->heap);
	rings->times_ns = allocate(n_cpus, sizeof *rings->times_ns);
	rings->fds = allocate((size_t)n_cpus * rings->fds_per_cpu, sizeof *rings->fds);
	int error = 0;
	for (uint32_t i = 0; i < n_cpus && !error; i++) {
		uint32_t n_before = rings->n_fds;
		error = open_cpu(rings, request, cpus[i]);
		/* A CPU that went offline since we read the list is not an error. */
		if ((error == ENODEV || error == ENXIO) && rings->n_fds == n_before && i > 0)
			error = 0;
	}
	free(cpus);
	if (error)
		cpu_rings_close(rings);
	return error;
}

void cpu_rings_close(struct cpu_rings *rings)
{
	for (uint32_t i = 0; i < rings->n_rings; i++)
		perf_ring_close(&rings->rings[i]);
	for (uint32_t i = 0; i < rings->n_fds; i++)
		close(rings->fds[i]);
	free(rings->rings);
	free(rings->heap);
	free(rings->times_ns);
	free(rings->fds);
	hash_map_free(&rings->by_id);
	memset(rings, 0, sizeof *rings);
}

void cpu_rings_enable(struct cpu_rings *rings, bool is_on)
{
	for (uint32_t i = 0; i < rings->n_fds; i++)
		if (!rings->has_side_band || i % rings->fds_per_cpu != 0)
			ioctl(rings->fds[i], is_on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE,
			      0);
}

int cpu_rings_pollfds(const struct cpu_rings *rings, struct pollfd *out, int max)
{
	int n = 0;
	for (uint32_t i = 0; i < rings->n_fds && n < max; i += rings->fds_per_cpu)
		out[n++] = (struct pollfd){ .fd = rings->fds[i], .events = POLLIN };
	return n;
}

static bool is_older(const struct cpu_rings *rings, uint32_t a, uint32_t b)
{
	return rings->times_ns[rings->heap[a]] < rings->times_ns[rings->heap[b]];
}

static void swap(uint32_t *a, uint32_t *b)
{
	uint32_t c = *a;
	*a = *b;
	*b = c;
}

static void sink(struct cpu_rings *rings, uint32_t at)
{
	for (;;) {
		uint32_t least = at, left = 2 * at + 1, right = left + 1;
		if (left < rings->n_heap && is_older(rings, left, least))
			least = left;
		if (right < rings->n_heap && is_older(rings, right, least))
			least = right;
		if (least == at)
			return;
		swap(&rings->heap[at], &rings->heap[least]);
		at = least;
	}
}

/* The time of a ring's oldest record; false when it has none. */
static bool look(struct cpu_rings *rings, uint32_t ring)
{
	const struct perf_event_header *header =
		perf_ring_peek(&rings->rings[ring], &rings->is_broken);
	if (!header)
		return false;
	if (!perf_record_time(header, &rings->layout, &rings->times_ns[ring]))
		rings->times_ns[ring] = 0;
	return true;
}

void cpu_rings_begin(struct cpu_rings *rings)
{
	rings->n_heap = 0;
	for (uint32_t i = 0; i < rings->n_rings; i++) {
		perf_ring_refresh(&rings->rings[i]);
		if (look(rings, i))
			rings->heap[rings->n_heap++] = i;
	}
	for (uint32_t i = rings->n_heap; i-- > 0;)
		sink(rings, i);
}

const struct perf_event_header *cpu_rings_next(struct cpu_rings *rings, uint64_t limit_ns)
{
	if (rings->n_heap == 0 || rings->times_ns[rings->heap[0]] > limit_ns)
		return NULL;
	return perf_ring_peek(&rings->rings[rings->heap[0]], &rings->is_broken);
}

void cpu_rings_consume(struct cpu_rings *rings)
{
	uint32_t ring = rings->heap[0];
	const struct perf_event_header *header =
		perf_ring_peek(&rings->rings[ring], &rings->is_broken);
	uint64_t before = rings->rings[ring].tail;
	if (header)
		perf_ring_consume(&rings->rings[ring], header);
	/* Give space back during a long pass too, but not with a store for every record. */
	if ((before ^ rings->rings[ring].tail) >= RELEASE_BYTES)
		perf_ring_release(&rings->rings[ring]);
	if (!look(rings, ring))
		rings->heap[0] = rings->heap[--rings->n_heap];
	sink(rings, 0);
}

void cpu_rings_end(struct cpu_rings *rings)
{
	for (uint32_t i = 0; i < rings->n_rings; i++)
		perf_ring_release(&rings->rings[i]);
}

uint32_t cpu_rings_event(const struct cpu_rings *rings, uint64_t id)
{
	uint32_t place = hash_map_get(&rings->by_id, id);
	return place ? place - 1 : 0;
}
