/*
 * Ranges of a thread (push and pop) are kept in the thread; those of the process (start and end)
 * in one table without locks, because any thread may end them. Handles that a program gives back
 * are looked up before they are followed: whatever they are, the program goes on.
 */
#include "gpu/inject_nvtx.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "gpu/gpu_record.h"
#include "gpu/inject_ring.h"

enum {
	MOST_OPEN = 64,      /* in one thread; deeper ones are counted and not shown */
	MOST_PROCESS = 1024, /* open at once, by number; a power of two */
	MOST_STRINGS = 4096, /* registered; a power of two */
	MOST_DOMAINS = 256,
	NAME_BYTES = 512, /* longer names are cut */
	TAKEN = 1,        /* a place that is being filled or emptied */
};

/* A name that the program holds a handle to. Never freed: the handle may come at any time. */
struct text {
	uint64_t hash;
	char *bytes;
};

struct open_range {
	uint64_t start_ns, name, number; /* number: of the process's table; 0 = of this thread */
	const struct text *domain;
};

struct process_range {
	_Atomic uint64_t number; /* 0 = free */
	uint64_t start_ns, name;
	uint32_t attachment; /* inject_ring_attachment */
	const struct text *domain;
};

static struct {
	struct inject_ring *ring;
	pthread_mutex_t lock; /* of strings and domains */
	struct text strings[MOST_STRINGS], domains[MOST_DOMAINS];
	struct process_range ranges[MOST_PROCESS];
	_Atomic uint64_t n_started;
} nvtx = { .lock = PTHREAD_MUTEX_INITIALIZER };

static _Thread_local struct {
	struct open_range open[MOST_OPEN];
	uint32_t n, n_deeper;
	uint32_t attachment; /* that they are told to */
} mine;

/* False: nobody listens. Ranges that were opened before this profiler came are not its. */
static bool is_heard(struct inject_ring *ring)
{
	uint32_t attachment = inject_ring_attachment(ring);
	if (mine.attachment != attachment)
		mine.n = mine.n_deeper = 0;
	mine.attachment = attachment;
	return attachment != 0;
}

/* ---- names */

/* PyTorch numbers its ranges ("aten::mul, seq = 17"): what tells apart equal work would make every
 * frame its own. */
static size_t plain_bytes(const char *name)
{
	static const char *const numbers[] = { ", seq = ", ", op_id = " };
	size_t n = strnlen(name, NAME_BYTES - 1);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		const char *at = memmem(name, n, numbers[i], strlen(numbers[i]));
		n = at ? (size_t)(at - name) : n;
	}
	return n;
}

static uint64_t send_name(const char *name)
{
	char text[NAME_BYTES];
	if (!name || !is_heard(nvtx.ring))
		return 0;
	size_t n = plain_bytes(name);
	memcpy(text, name, n);
	text[n] = '\0';
	return inject_ring_name(nvtx.ring, text);
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c > 0x10ffff)
		c = 0xfffd; /* no character */
	size_t n = c < 0x10000 ? 3 : 4;
	out[0] = (char)(n == 3 ? 0xe0 | c >> 12 : 0xf0 | c >> 18);
	for (size_t i = 1; i < n; i++)
		out[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
	return n;
}

/* Whatever the locale. */
static const char *narrow(char *out, const wchar_t *wide)
{
	size_t n = 0;
	if (!wide)
		return NULL;
	for (; *wide && n + 4 < NAME_BYTES; wide++)
		n += put_utf8(out + n, (uint32_t)*wide);
	out[n] = '\0';
	return out;
}

/* The entry of a text, made if need be; NULL where there is no room. */
static struct text *find_text(struct text *texts, uint32_t most, const char *bytes)
{
	uint64_t hash = inject_hash(bytes, strlen(bytes));
	struct text *found = NULL;
	if (!inject_lock(&nvtx.lock))
		return NULL;
	for (uint32_t i = 0; i < most && !found; i++) {
		struct text *text = &texts[(hash + i) % most];
		if (text->hash == hash)
			found = text;
		else if (!text->hash && (text->bytes = strdup(bytes))) {
			text->hash = hash;
			found = text;
		}
	}
	pthread_mutex_unlock(&nvtx.lock);
	return found;
}

/* The entry behind a handle, if it is one of ours. */
static const struct text *text_of(const struct text *texts, uint32_t most, const void *handle)
{
	uintptr_t offset = (uintptr_t)handle - (uintptr_t)texts;
	if (offset >= most * sizeof *texts || offset % sizeof *texts != 0)
		return NULL;
	const struct text *text = &texts[offset / sizeof *texts];
	return text->hash ? text : NULL;
}

static const struct text *domain_of(const void *handle)
{
	return text_of(nvtx.domains, MOST_DOMAINS, handle);
}

static uint64_t name_of(const struct nvtx_event *event)
{
	char text[NAME_BYTES];
	const struct text *registered;
	if (!event || event->bytes < sizeof *event || !event->message)
		return 0;
	switch (event->message_type) {
	case NVTX_TEXT:
		return send_name(event->message);
	case NVTX_WIDE_TEXT:
		return send_name(narrow(text, event->message));
	case NVTX_REGISTERED:
		registered = text_of(nvtx.strings, MOST_STRINGS, event->message);
		return registered ? send_name(registered->bytes) : 0;
	default:
		return 0;
	}
}

/* ---- ranges */

static uint64_t domain_name(const struct text *domain)
{
	return domain ? inject_ring_name(nvtx.ring, domain->bytes) : 0;
}

static void send_range(uint64_t start_ns, uint64_t name, const struct text *domain,
		       bool is_of_process)
{
	struct gpu_range range = { .start_ns = start_ns,
				   .end_ns = inject_now_ns(),
				   .name = name,
				   .domain = domain_name(domain),
				   .is_of_process = is_of_process };
	inject_ring_send(nvtx.ring, GPU_RANGE, 0, &range, sizeof range);
}

static struct process_range *place_of(uint64_t number)
{
	return &nvtx.ranges[number % MOST_PROCESS];
}

static void forget(uint32_t at)
{
	mine.n--;
	memmove(&mine.open[at], &mine.open[at + 1], (mine.n - at) * sizeof mine.open[0]);
}

/* Ranges of the process may have been ended by other threads. */
static void forget_ended(void)
{
	for (uint32_t i = mine.n; i-- > 0;)
		if (mine.open[i].number &&
		    atomic_load_explicit(&place_of(mine.open[i].number)->number,
					 memory_order_relaxed) != mine.open[i].number)
			forget(i);
}

static bool keep(uint64_t name, const struct text *domain, uint64_t number)
{
	if (mine.n == MOST_OPEN)
		forget_ended();
	if (mine.n == MOST_OPEN)
		return false;
	mine.open[mine.n++] = (struct open_range){ inject_now_ns(), name, number, domain };
	return true;
}

/* How many of the thread's ranges are open in the domain. */
static int depth_of(const struct text *domain)
{
	int n = 0;
	for (uint32_t i = 0; i < mine.n; i++)
		n += !mine.open[i].number && mine.open[i].domain == domain;
	return n;
}

static int push(const struct text *domain, uint64_t name)
{
	if (!is_heard(nvtx.ring))
		return NVTX_NO_TRACKING;
	int depth = depth_of(domain);
	if (!keep(name, domain, 0))
		mine.n_deeper++;
	return depth;
}

static int pop(const struct text *domain)
{
	if (!is_heard(nvtx.ring))
		return NVTX_NO_TRACKING;
	uint32_t at = mine.n;
	if (mine.n_deeper) {
		mine.n_deeper--;
		return depth_of(domain);
	}
	while (at > 0 && (mine.open[at - 1].number || mine.open[at - 1].domain != domain))
		at--;
	if (at == 0)
		return NVTX_NO_TRACKING;
	struct open_range *range = &mine.open[at - 1];
	send_range(range->start_ns, range->name, domain, false);
	forget(at - 1);
	return depth_of(domain);
}

/* 0, which NVTX gives for "not tracked", where too many are open. */
static uint64_t start(const struct text *domain, uint64_t name)
{
	for (uint32_t i = 0; i < MOST_PROCESS && is_heard(nvtx.ring); i++) {
		uint64_t number = atomic_fetch_add(&nvtx.n_started, 1) + MOST_PROCESS, none = 0;
		struct process_range *range = place_of(number);
		if (!atomic_compare_exchange_strong(&range->number, &none, TAKEN))
			continue;
		range->start_ns = inject_now_ns();
		range->name = name;
		range->domain = domain;
		range->attachment = mine.attachment;
		atomic_store_explicit(&range->number, number, memory_order_release);
		keep(name, domain, number);
		return number;
	}
	return 0;
}

static void end(uint64_t number)
{
	struct process_range *range = place_of(number);
	if (number < MOST_PROCESS ||
	    !atomic_compare_exchange_strong(&range->number, &number, TAKEN))
		return;
	if (range->attachment == inject_ring_attachment(nvtx.ring))
		send_range(range->start_ns, range->name, range->domain, true);
	atomic_store_explicit(&range->number, 0, memory_order_release);
}

uint64_t inject_nvtx_ranges(struct inject_ring *ring)
{
	struct gpu_range_in range = { 0 };
	is_heard(ring);
	forget_ended();
	for (uint32_t i = 0; i < mine.n; i++) {
		range.outer = range.id;
		range.name = mine.open[i].name;
		range.domain = domain_name(mine.open[i].domain);
		range.id = 0;
		range.id = inject_hash(&range, sizeof range);
		inject_ring_once(ring, GPU_RANGE_IN, range.id, &range, sizeof range);
	}
	return range.id;
}

/* ---- what NVTX calls */

static int on_push(const char *name)
{
	return push(NULL, send_name(name));
}

static int on_push_wide(const wchar_t *name)
{
	char text[NAME_BYTES];
	return push(NULL, send_name(narrow(text, name)));
}

static int on_push_event(const struct nvtx_event *event)
{
	return push(NULL, name_of(event));
}

static int on_pop(void)
{
	return pop(NULL);
}

static uint64_t on_start(const char *name)
{
	return start(NULL, send_name(name));
}

static uint64_t on_start_wide(const wchar_t *name)
{
	char text[NAME_BYTES];
	return start(NULL, send_name(narrow(text, name)));
}

static uint64_t on_start_event(const struct nvtx_event *event)
{
	return start(NULL, name_of(event));
}

static int on_domain_push(const void *domain, const struct nvtx_event *event)
{
	return push(domain_of(domain), name_of(event));
}

static int on_domain_pop(const void *domain)
{
	return pop(domain_of(domain));
}

static uint64_t on_domain_start(const void *domain, const struct nvtx_event *event)
{
	return start(domain_of(domain), name_of(event));
}

static void on_domain_end(const void *domain, uint64_t number)
{
	(void)domain;
	end(number);
}

static const void *on_register(const void *domain, const char *text)
{
	(void)domain;
	return text ? find_text(nvtx.strings, MOST_STRINGS, text) : NULL;
}

static const void *on_register_wide(const void *domain, const wchar_t *wide)
{
	char text[NAME_BYTES];
	return on_register(domain, narrow(text, wide));
}

static const void *on_domain(const char *name)
{
	return name ? find_text(nvtx.domains, MOST_DOMAINS, name) : NULL;
}

static const void *on_domain_wide(const wchar_t *wide)
{
	char text[NAME_BYTES];
	return on_domain(narrow(text, wide));
}

/* ---- setting up */

struct slot {
	unsigned int place;
	nvtx_function *function;
};

static const struct slot core[] = {
	{ NVTX_RANGE_START_EX, (nvtx_function *)on_start_event },
	{ NVTX_RANGE_START_A, (nvtx_function *)on_start },
	{ NVTX_RANGE_START_W, (nvtx_function *)on_start_wide },
	{ NVTX_RANGE_END, (nvtx_function *)end },
	{ NVTX_RANGE_PUSH_EX, (nvtx_function *)on_push_event },
	{ NVTX_RANGE_PUSH_A, (nvtx_function *)on_push },
	{ NVTX_RANGE_PUSH_W, (nvtx_function *)on_push_wide },
	{ NVTX_RANGE_POP, (nvtx_function *)on_pop },
};

static const struct slot core2[] = {
	{ NVTX_DOMAIN_RANGE_START_EX, (nvtx_function *)on_domain_start },
	{ NVTX_DOMAIN_RANGE_END, (nvtx_function *)on_domain_end },
	{ NVTX_DOMAIN_RANGE_PUSH_EX, (nvtx_function *)on_domain_push },
	{ NVTX_DOMAIN_RANGE_POP, (nvtx_function *)on_domain_pop },
	{ NVTX_DOMAIN_REGISTER_STRING_A, (nvtx_function *)on_register },
	{ NVTX_DOMAIN_REGISTER_STRING_W, (nvtx_function *)on_register_wide },
	{ NVTX_DOMAIN_CREATE_A, (nvtx_function *)on_domain },
	{ NVTX_DOMAIN_CREATE_W, (nvtx_function *)on_domain_wide },
};

/* Tables of older headers are shorter. */
static bool fill(const struct nvtx_callbacks *callbacks, int module, const struct slot *slots,
		 size_t n)
{
	nvtx_function ***table = NULL;
	unsigned int size = 0;
	if (callbacks->functions(module, &table, &size) != 1 || !table)
		return false;
	for (size_t i = 0; i < n; i++)
		if (slots[i].place < size && table[slots[i].place])
			*table[slots[i].place] = slots[i].function;
	return true;
}

/* 0 makes NVTX do nothing, which is right where nobody listens and, without the library in CUDA's
 * variable too, nobody can come to. */
__attribute__((visibility("default"))) int
InitializeInjectionNvtx2(const void *(*get_table)(uint32_t id))
{
	const struct nvtx_callbacks *callbacks = get_table ? get_table(NVTX_TABLE_CALLBACKS) : NULL;
	nvtx.ring = inject_ring_open();
	bool may_be_heard = inject_ring_attachment(nvtx.ring) || getenv("CUDA_INJECTION64_PATH");
	if (!may_be_heard || !callbacks || callbacks->struct_bytes < sizeof *callbacks)
		return 0;
	bool is_filled = fill(callbacks, NVTX_CORE, core, sizeof core / sizeof core[0]);
	fill(callbacks, NVTX_CORE2, core2, sizeof core2 / sizeof core2[0]);
	return is_filled;
}
