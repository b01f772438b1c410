/*
 * What was sent is remembered as hashes in a table that forgets on collision: sending twice costs
 * a little, and a piece that found the ring full is simply sent again with the next use. The
 * hashes are of this attachment: the next profiler knows nothing of what the last one was told.
 */
#include "gpu/inject_ring.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "gpu/gpu_record.h"
#include "sampler/base/sealed_memory.h"

enum {
	N_SENT = 1 << 14,    /* 128 KiB; programs have thousands of launch stacks */
	MOST_MODULES = 1024, /* PyTorch maps some 300 */
	LOCK_WAIT_NS = 20 * 1000 * 1000,
	SENDERS_MS = 1000, /* for those who are sending as the memory goes: each takes 30 ns */
};

struct module {
	uint64_t start, end, bias;
	uint32_t sent_in; /* the attachment; 0 = none */
	char *path;
};

struct inject_ring {
	_Atomic(struct shared_ring *) memory; /* NULL = nobody listens */
	_Atomic uint32_t n_senders, attachment, pid;
	uint32_t n_attachments;
	_Atomic uint64_t sent[N_SENT];
	pthread_mutex_t lock; /* of the modules */
	struct module modules[MOST_MODULES];
	uint32_t n_modules;
	unsigned long long n_loaded, n_unloaded; /* the loader's counts when last looked at */
};

uint64_t inject_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Who is still sending after a second was stopped in the middle: the memory stays for them. */
void inject_ring_detach(struct inject_ring *ring)
{
	const struct timespec step = { 0, 1000000 };
	struct shared_ring *memory = atomic_exchange(&ring->memory, NULL);
	atomic_store(&ring->attachment, 0);
	for (int i = 0; i < SENDERS_MS && atomic_load(&ring->n_senders); i++)
		nanosleep(&step, NULL);
	if (memory && atomic_load(&ring->n_senders) == 0)
		munmap(memory, shared_ring_bytes(GPU_RING_RECORDS));
}

void inject_ring_forked(struct inject_ring *ring)
{
	atomic_store(&ring->pid, 0);
}

uint32_t inject_ring_attachment(struct inject_ring *ring)
{
	return atomic_load_explicit(&ring->attachment, memory_order_acquire);
}

bool inject_ring_send(struct inject_ring *ring, uint32_t type, uint64_t time_ns,
		      const void *payload, size_t bytes)
{
	struct shared_record record = { .type = type };
	bool is_sent = false;
	record.time_ns = time_ns ? time_ns : inject_now_ns();
	record.tid = (uint32_t)syscall(SYS_gettid);
	memcpy(record.payload, payload,
	       bytes < sizeof record.payload ? bytes : sizeof record.payload);
	/* Counted before the memory is looked for: inject_ring_detach waits for who has it. */
	atomic_fetch_add(&ring->n_senders, 1);
	struct shared_ring *memory = atomic_load(&ring->memory);
	record.pid = atomic_load_explicit(&ring->pid, memory_order_relaxed);
	if (record.pid == 0)
		record.pid = (uint32_t)getpid();
	if (memory)
		is_sent = shared_ring_write_to(memory, GPU_RING_RECORDS, &record);
	atomic_fetch_sub(&ring->n_senders, 1);
	return is_sent;
}

bool inject_ring_attach(struct inject_ring *ring, int fd, uint32_t pid)
{
	if (atomic_load(&ring->memory) ||
	    !sealed_memory_is_at_least(fd, shared_ring_bytes(GPU_RING_RECORDS)))
		return false;
	void *memory = mmap(NULL, shared_ring_bytes(GPU_RING_RECORDS), PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return false;
	if (!shared_ring_is_good(memory, GPU_RING_RECORDS)) {
		munmap(memory, shared_ring_bytes(GPU_RING_RECORDS));
		return false;
	}
	if (++ring->n_attachments == 0)
		ring->n_attachments = 1;
	atomic_store(&ring->pid, pid);
	atomic_store(&ring->attachment, ring->n_attachments);
	atomic_store(&ring->memory, memory);
	inject_ring_send(ring, GPU_ANEW, 0, "", 0);
	return true;
}

static void attach_at_start(struct inject_ring *ring)
{
	const char *text = getenv("STOKE_GPU_FD");
	long fd = text ? strtol(text, NULL, 10) : -1;
	if (fd >= 3 && fd <= INT_MAX)
		inject_ring_attach(ring, (int)fd, 0);
}

/* A thread that was forked away while it held the lock must not stop its child. */
bool inject_lock(pthread_mutex_t *lock)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOCK_WAIT_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	return pthread_mutex_timedlock(lock, &until) == 0;
}

struct inject_ring *inject_ring_open(void)
{
	static struct inject_ring ring = { .lock = PTHREAD_MUTEX_INITIALIZER };
	static bool is_tried;
	if (!inject_lock(&ring.lock)) /* CUDA and NVTX may both be starting */
		return &ring;
	if (!is_tried)
		attach_at_start(&ring);
	is_tried = true;
	pthread_mutex_unlock(&ring.lock);
	return &ring;
}

/* FNV-1a over words, finished as MurmurHash3 does; never 0. */
uint64_t inject_hash(const void *bytes, size_t n)
{
	const unsigned char *at = bytes;
	uint64_t hash = 0xcbf29ce484222325;
	for (; n >= 8; n -= 8, at += 8) {
		uint64_t word;
		memcpy(&word, at, 8);
		hash = (hash ^ word) * 0x100000001b3;
		hash ^= hash >> 29;
	}
	for (; n > 0; n--)
		hash = (hash ^ *at++) * 0x100000001b3;
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
	hash ^= hash >> 33;
	return hash ? hash : 1;
}

static _Atomic uint64_t *place_of(struct inject_ring *ring, uint64_t id)
{
	return &ring->sent[id % N_SENT];
}

/* An id as it is kept of one attachment. */
static uint64_t mark_of(uint64_t id, uint32_t attachment)
{
	return id ^ (attachment * 0x9e3779b97f4a7c15); /* 2^64 / golden ratio */
}

static bool is_sent(struct inject_ring *ring, uint64_t id, uint32_t attachment)
{
	return atomic_load_explicit(place_of(ring, id), memory_order_relaxed) ==
	       mark_of(id, attachment);
}

static void set_sent(struct inject_ring *ring, uint64_t id, uint32_t attachment)
{
	atomic_store_explicit(place_of(ring, id), mark_of(id, attachment), memory_order_relaxed);
}

static bool send_text(struct inject_ring *ring, uint32_t type, uint64_t id, const char *text,
		      size_t bytes)
{
	size_t offset = 0;
	do {
		struct gpu_text piece = { .id = id,
					  .offset = (uint16_t)offset,
					  .total = (uint16_t)bytes };
		size_t n = bytes - offset < GPU_TEXT_BYTES ? bytes - offset : GPU_TEXT_BYTES;
		memcpy(piece.text, text + offset, n);
		if (!inject_ring_send(ring, type, 0, &piece, sizeof piece))
			return false;
		offset += n;
	} while (offset < bytes);
	return true;
}

uint64_t inject_ring_name(struct inject_ring *ring, const char *name)
{
	if (!name)
		return 0;
	size_t bytes = strnlen(name, GPU_MOST_TEXT_BYTES);
	uint64_t id = inject_hash(name, bytes);
	uint32_t attachment = inject_ring_attachment(ring);
	if (attachment && !is_sent(ring, id, attachment) &&
	    send_text(ring, GPU_NAME, id, name, bytes))
		set_sent(ring, id, attachment);
	return id;
}

void inject_ring_once(struct inject_ring *ring, uint32_t type, uint64_t id, const void *payload,
		      size_t bytes)
{
	uint32_t attachment = inject_ring_attachment(ring);
	if (attachment && !is_sent(ring, id, attachment) &&
	    inject_ring_send(ring, type, 0, payload, bytes))
		set_sent(ring, id, attachment);
}

static void add_module(struct inject_ring *ring, const struct dl_phdr_info *info)
{
	char path[PATH_MAX], *real;
	uint64_t start = UINT64_MAX, end = 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uint64_t from = info->dlpi_addr + header->p_vaddr;
		if (header->p_type != PT_LOAD)
			continue;
		start = from < start ? from : start;
		end = from + header->p_memsz > end ? from + header->p_memsz : end;
	}
	/* The program itself has no name; the kernel's maps have no symbolic links in theirs. */
	real = realpath(info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe", path);
	for (uint32_t i = 0; i < ring->n_modules && real; i++) {
		struct module *known = &ring->modules[i];
		if (strcmp(known->path, real) != 0)
			continue;
		known->start = start;
		known->end = end;
		known->bias = info->dlpi_addr;
		return;
	}
	if (!real || ring->n_modules == MOST_MODULES)
		return;
	struct module module = { start, end, info->dlpi_addr, 0, strdup(real) };
	if (module.path)
		ring->modules[ring->n_modules++] = module;
}

static int visit_module(struct dl_phdr_info *info, size_t bytes, void *opaque)
{
	struct inject_ring *ring = opaque;
	(void)bytes;
	if (info->dlpi_adds == ring->n_loaded && info->dlpi_subs == ring->n_unloaded)
		return 1; /* nothing new: stop */
	add_module(ring, info);
	return 0;
}

static int take_counts(struct dl_phdr_info *info, size_t bytes, void *opaque)
{
	struct inject_ring *ring = opaque;
	(void)bytes;
	ring->n_loaded = info->dlpi_adds;
	ring->n_unloaded = info->dlpi_subs;
	return 1;
}

/* Cheap when nothing was loaded or unloaded since. */
static void look_at_modules(struct inject_ring *ring)
{
	dl_iterate_phdr(visit_module, ring);
	dl_iterate_phdr(take_counts, ring);
}

static uint32_t find_module(const struct inject_ring *ring, uint64_t address)
{
	for (uint32_t i = 0; i < ring->n_modules; i++)
		if (address >= ring->modules[i].start && address < ring->modules[i].end)
			return i + 1;
	return 0;
}

/* Module and address in it; module 0 has the address as it is. */
static uint64_t pack(struct inject_ring *ring, uint32_t attachment, uint64_t address, bool *is_good)
{
	uint64_t mask = (1ull << GPU_MODULE_SHIFT) - 1;
	uint32_t id = find_module(ring, address - 1);
	if (id == 0)
		return address & mask;
	struct module *module = &ring->modules[id - 1];
	if (module->sent_in != attachment && send_text(ring, GPU_MODULE, id, module->path,
						       strnlen(module->path, GPU_MOST_TEXT_BYTES)))
		module->sent_in = attachment;
	*is_good = *is_good && module->sent_in == attachment;
	return (uint64_t)id << GPU_MODULE_SHIFT | ((address - module->bias) & mask);
}

static bool send_frames(struct inject_ring *ring, uint32_t attachment, uint64_t id,
			void *const *frames, size_t n)
{
	bool is_good = true;
	for (size_t first = 0; first < n; first += GPU_FRAMES) {
		struct gpu_frames piece = { .id = id,
					    .first = (uint16_t)first,
					    .total = (uint16_t)n };
		for (size_t i = 0; i < GPU_FRAMES && first + i < n; i++)
			piece.frames[i] =
				pack(ring, attachment, (uintptr_t)frames[first + i], &is_good);
		is_good = is_good && inject_ring_send(ring, GPU_FRAMES_OF, 0, &piece, sizeof piece);
	}
	return is_good;
}

uint64_t inject_ring_stack(struct inject_ring *ring, void *const *frames, size_t n, const void *own,
			   const void *skipped)
{
	uint64_t id = inject_hash(frames, n * sizeof frames[0]);
	uint32_t attachment = inject_ring_attachment(ring);
	if (!attachment || is_sent(ring, id, attachment))
		return id;
	if (!inject_lock(&ring->lock))
		return 0;
	look_at_modules(ring);
	uint32_t ours = find_module(ring, (uintptr_t)own);
	uint32_t theirs = find_module(ring, (uintptr_t)skipped);
	while (n > 1) {
		uint32_t module = find_module(ring, (uintptr_t)*frames - 1);
		if (module == 0 || (module != ours && module != theirs))
			break;
		frames++;
		n--;
	}
	bool is_good = send_frames(ring, attachment, id, frames, n);
	pthread_mutex_unlock(&ring->lock);
	if (is_good)
		set_sent(ring, id, attachment);
	return id;
}
