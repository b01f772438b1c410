/*
 * Rings are merged through a binary heap keyed by the time of each ring's oldest record: a machine
 * with 256 CPUs must not compare 256 times for every sample. A ring outlives the thread whose event
 * owns it: the others' records still arrive, though its descriptor only says that it hung up.
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

static struct perf_event_attr side_band_of(const struct cpu_rings_request *request)
{
	struct perf_event_attr side_band = request->attributes[0];
	side_band.type = PERF_TYPE_SOFTWARE;
	side_band.config = PERF_COUNT_SW_DUMMY;
	side_band.freq = 0;
	side_band.sample_period = 0;
	side_band.precise_ip = 0;
	side_band.disabled = !request->is_side_band_on;
	side_band.enable_on_exec = !request->is_side_band_on;
	return side_band;
}

/* A ring for what its CPU's first event writes; the others write into it too. */
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
	rings->ring_fds[rings->n_rings++] = fd;
	return 0;
}

static void keep_fd(int **fds, uint32_t *n, uint32_t *capacity, int fd)
{
	if (*n == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 64;
		*fds = reallocate(*fds, *capacity, sizeof **fds);
	}
	(*fds)[(*n)++] = fd;
}

struct opening {
	const struct perf_event_attr *attribute;
	pid_t thread;
	int cpu, leader_fd; /* leader_fd -1: it samples by itself */
	int *owner_fd;      /* of the CPU's ring; -1 = there is none yet */
	uint32_t event;     /* attribute's place + 1; 0 = the side band */
	bool has_others;    /* samples say which event they are of */
};

/* Opens one event; the first of a CPU owns its ring, others write into it. Those in a group write
 * nothing themselves. Returns an errno, or 0 and *fd. */
static int open_one(struct cpu_rings *rings, const struct opening *opening, int *fd)
{
	uint64_t id = 0;
	*fd = perf_event_open_member(opening->attribute, opening->thread, opening->cpu,
				     opening->leader_fd);
	if (*fd < 0)
		return -*fd;
	if (opening->event)
		keep_fd(&rings->fds, &rings->n_fds, &rings->fds_capacity, *fd);
	else
		keep_fd(&rings->side_fds, &rings->n_side_fds, &rings->side_fds_capacity, *fd);
	if (opening->event && opening->has_others && ioctl(*fd, PERF_EVENT_IOC_ID, &id) == 0 && id)
		*hash_map_at(&rings->by_id, id) = opening->event;
	if (opening->leader_fd >= 0)
		return 0;
	if (*opening->owner_fd >= 0)
		return ioctl(*fd, PERF_EVENT_IOC_SET_OUTPUT, *opening->owner_fd) == 0 ? 0 : errno;
	*opening->owner_fd = *fd;
	return map_ring(rings, *fd);
}

/* All events of one thread on one CPU. */
static int open_on_cpu(struct cpu_rings *rings, const struct cpu_rings_request *request,
		       pid_t thread, int cpu, int *owner_fd)
{
	int error = 0, fd = -1;
	struct opening opening = { .thread = thread,
				   .cpu = cpu,
				   .leader_fd = -1,
				   .has_others = request->n_attributes > 1 };
	opening.owner_fd = owner_fd;
	if (request->needs_side_band) {
		struct perf_event_attr side_band = side_band_of(request);
		opening.attribute = &side_band;
		error = open_one(rings, &opening, &fd);
	}
	int leader_fd = -1;
	for (uint32_t i = 0; i < request->n_attributes && !error; i++) {
		struct perf_event_attr attribute = request->attributes[i];
		bool is_read = i > 0 && request->is_read && request->is_read[i];
		opening.attribute = &attribute;
		opening.leader_fd = is_read ? leader_fd : -1;
		opening.event = i + 1;
		if (request->needs_side_band || i > 0)
			attribute.mmap = attribute.mmap2 = attribute.comm = attribute.task = 0;
		error = open_one(rings, &opening, &fd);
		if (!is_read)
			leader_fd = fd;
	}
	return error;
}

struct cpu_list {
	int *cpus, *owner_fds;
	uint32_t n;
};

/* All CPUs of one thread before the next thread: what it starts meanwhile is followed from then on
 * those CPUs only that are open already, so that time is to be short. */
static int open_thread(struct cpu_rings *rings, const struct cpu_rings_request *request,
		       pid_t thread, const struct cpu_list *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		uint32_t n_before = rings->n_fds + rings->n_side_fds;
		int error = open_on_cpu(rings, request, thread, list->cpus[i], &list->owner_fds[i]);
		bool is_untouched = rings->n_fds + rings->n_side_fds == n_before;
		/* A CPU that went offline since we read the list is not an error. */
		if ((error == ENODEV || error == ENXIO) && is_untouched && i > 0)
			continue;
		if (error)
			return error;
	}
	return 0;
}

static int open_threads(struct cpu_rings *rings, const struct cpu_rings_request *request,
			const struct cpu_list *list)
{
	int refusal = ESRCH;
	for (uint32_t i = 0; i < request->n_threads; i++) {
		int error = open_thread(rings, request, request->threads[i], list);
		bool is_refused = error == EACCES || error == EPERM;
		if (error == ESRCH) {
			rings->n_ended++;
		} else if (is_refused && request->may_leave_out) {
			rings->n_refused++;
			refusal = error;
		} else if (error) {
			return error;
		}
	}
	return rings->n_fds ? 0 : refusal;
}

int cpu_rings_open(struct cpu_rings *rings, const struct cpu_rings_request *request)
{
	struct cpu_list list = { .cpus = allocate(MOST_CPUS, sizeof *list.cpus) };
	list.n = online_cpus(list.cpus);
	list.owner_fds = allocate(list.n, sizeof *list.owner_fds);
	for (uint32_t i = 0; i < list.n; i++)
		list.owner_fds[i] = -1;
	memset(rings, 0, sizeof *rings);
	rings->ring_bytes = request->ring_bytes;
	rings->layout.sample_type = request->attributes[0].sample_type;
	rings->layout.register_mask = request->attributes[0].sample_regs_user;
	rings->layout.read_format = request->attributes[0].read_format;
	rings->rings = allocate(list.n, sizeof *rings->rings);
	rings->ring_fds = allocate(list.n, sizeof *rings->ring_fds);
	rings->heap = allocate(list.n, sizeof *rings->heap);
	rings->times_ns = allocate(list.n, sizeof *rings->times_ns);
	int error = open_threads(rings, request, &list);
	free(list.cpus);
	free(list.owner_fds);
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
	for (uint32_t i = 0; i < rings->n_side_fds; i++)
		close(rings->side_fds[i]);
	free(rings->rings);
	free(rings->ring_fds);
	free(rings->heap);
	free(rings->times_ns);
	free(rings->fds);
	free(rings->side_fds);
	hash_map_free(&rings->by_id);
	memset(rings, 0, sizeof *rings);
}

void cpu_rings_enable(struct cpu_rings *rings, bool is_on)
{
	for (uint32_t i = 0; i < rings->n_fds; i++)
		ioctl(rings->fds[i], is_on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

int cpu_rings_pollfds(const struct cpu_rings *rings, struct pollfd *out, int max)
{
	int n = 0;
	for (uint32_t i = 0; i < rings->n_rings && n < max; i++)
		out[n++] = (struct pollfd){ .fd = rings->ring_fds[i], .events = POLLIN };
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
