/* A sealed memfd, as probe_memory's: no name in any file system, and nobody can shrink it. */
#include "sampler/timer_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/base/sealed_memory.h"

enum {
	LEAST_RECORDS = 256,
	MOST_CPUS = 1024,      /* where the set is larger than the C library's */
	MOST_BYTES = 64 << 20, /* touched only as far as samples are waiting to be read */
	MOST_HZ = 1000,        /* the fastest tick that kernels are built with */
};

/* The collector looks each 50 ms and may wait for its turn for 0.1 s. */
static const double RING_SECONDS = 0.25;

static uint32_t block_bytes_of(uint32_t stack_bytes)
{
	uint32_t page = TIMER_CONTROL_BYTES;
	return (TIMER_REGISTER_BYTES + stack_bytes + page - 1) / page * page;
}

static uint32_t records_of(uint32_t block_bytes, uint64_t interval_ns)
{
	cpu_set_t cpus;
	int n_cpus = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : MOST_CPUS;
	double hz = interval_ns ? 1e9 / (double)interval_ns : MOST_HZ;
	double wanted = (hz < MOST_HZ ? hz : MOST_HZ) * RING_SECONDS * n_cpus;
	uint32_t n = LEAST_RECORDS;
	while (n < wanted && (uint64_t)n * 2 * block_bytes <= MOST_BYTES)
		n *= 2;
	return n;
}

static bool is_good(const struct timer_shape *shape)
{
	uint32_t n = shape->n_records, page = TIMER_CONTROL_BYTES;
	return n && (n & (n - 1)) == 0 && shape->block_bytes % page == 0 &&
	       shape->stack_bytes % 8 == 0 && shape->stack_bytes <= UINT16_MAX &&
	       shape->block_bytes == block_bytes_of(shape->stack_bytes) &&
	       (uint64_t)n * shape->block_bytes <= MOST_BYTES;
}

int timer_memory_create(uint32_t stack_bytes, uint64_t interval_ns, struct why *why)
{
	struct timer_shape shape = { .stack_bytes = stack_bytes };
	shape.block_bytes = block_bytes_of(stack_bytes);
	shape.n_records = records_of(shape.block_bytes, interval_ns);
	size_t n_bytes = timer_memory_bytes(&shape);
	int fd = memfd_create("stoke-timer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *memory = MAP_FAILED;
	if (fd >= 0 && ftruncate(fd, (off_t)n_bytes) == 0)
		memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		why_fail(why, "Cannot make memory to share with the program: %s.", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	struct timer_control *control = memory;
	control->magic = TIMER_MAGIC;
	control->version = TIMER_VERSION;
	control->shape = shape;
	control->interval_ns = interval_ns;
	shared_ring_init(timer_memory_ring(memory), shape.n_records);
	munmap(memory, n_bytes);
	return fd;
}

/* What stands in the memory's first page; false if it is none of ours. */
static bool read_shape(int fd, struct timer_shape *shape)
{
	struct timer_control *control =
		mmap(NULL, TIMER_CONTROL_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (control == MAP_FAILED)
		return false;
	*shape = control->shape;
	bool is_ours = control->magic == TIMER_MAGIC && control->version == TIMER_VERSION;
	munmap(control, TIMER_CONTROL_BYTES);
	errno = EINVAL;
	return is_ours && is_good(shape);
}

struct timer_control *timer_memory_map(int fd, struct timer_shape *shape, struct why *why)
{
	void *memory = MAP_FAILED;
	if (sealed_memory_is_at_least(fd, TIMER_CONTROL_BYTES) && read_shape(fd, shape) &&
	    sealed_memory_is_at_least(fd, timer_memory_bytes(shape)))
		memory = mmap(NULL, timer_memory_bytes(shape), PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0);
	if (memory != MAP_FAILED)
		return memory;
	why_fail(why, "Cannot map the memory shared with the program: %s.", strerror(errno));
	return NULL;
}

void timer_memory_unmap(struct timer_control *memory, const struct timer_shape *shape)
{
	if (memory)
		munmap(memory, timer_memory_bytes(shape));
}
