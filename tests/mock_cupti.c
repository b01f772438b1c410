/*
 * A stand-in for libcupti.so.13: keeps what launches there were and hands out records of them as
 * CUPTI does, in buffers that the listener lends. Nothing here computes anything.
 */
#include "tests/mock_cupti.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/cupti.h"
#include "gpu/cupti_pc.h"
#include "tests/mock_script.h"

#define EXPORT __attribute__((visibility("default")))
#define RESULT return (int)mock_script(__func__, 0)

enum { MOST_RECORDS = 1 << 16, SLOT_BYTES = 256, MOST_PCS = 4096 };

int cuptiSubscribe(void **subscriber, cupti_on_call *call, void *user);
int cuptiSubscribe_v2(void **subscriber, cupti_on_call *call, void *user,
		      struct cupti_subscriber *parameters);
int cuptiUnsubscribe(void *subscriber);
int cuptiSetThreadIdType(int type);
int cuptiActivityRegisterTimestampCallback(uint64_t (*clock)(void));
int cuptiActivitySetAttribute(int attribute, size_t *bytes, void *value);
int cuptiActivityRegisterCallbacks(cupti_on_request *request, cupti_on_complete *complete);
int cuptiActivityEnable(int kind);
int cuptiActivityDisable(int kind);
int cuptiActivityGetNextRecord(uint8_t *buffer, size_t valid, struct cupti_record **record);
int cuptiActivityGetNumDroppedRecords(void *context, uint32_t stream, size_t *n);
int cuptiActivityFlushPeriod(uint32_t milliseconds);
int cuptiActivityFlushAll(uint32_t flags);
int cuptiEnableCallback(uint32_t enable, void *subscriber, uint32_t domain, uint32_t id);
int cuptiGetCallbackName(uint32_t domain, uint32_t id, const char **name);
int cuptiPCSamplingSetConfigurationAttribute(struct cupti_pc_configuration *p);
int cuptiPCSamplingGetConfigurationAttribute(struct cupti_pc_configuration *p);
int cuptiPCSamplingEnable(struct cupti_pc_context *p);
int cuptiPCSamplingDisable(struct cupti_pc_context *p);
int cuptiPCSamplingGetData(struct cupti_pc_get *p);
int cuptiPCSamplingGetNumStallReasons(struct cupti_pc_n_reasons *p);
int cuptiPCSamplingGetStallReasons(struct cupti_pc_reasons *p);
int cuptiGetSassToSourceCorrelation(struct cupti_pc_line *p);
int cuptiGetCubinCrc(struct cupti_pc_crc *p);

/* A record as it lies in a buffer: all are as long here. */
union record {
	struct cupti_record any;
	struct cupti_kernel kernel;
	struct cupti_memcpy copy;
	struct cupti_synchronization wait;
	struct cupti_memset fill;
	struct cupti_memcpy_peer peer;
	struct cupti_external external;
	struct cupti_overhead overhead;
	struct cupti_device device;
	unsigned char bytes[SLOT_BYTES];
};

static struct {
	pthread_mutex_t lock;
	cupti_on_call *_Atomic call;
	cupti_on_request *request;
	cupti_on_complete *complete;
	uint64_t (*clock)(void);
	union record records[MOST_RECORDS];
	uint32_t n_records, n_dropped;
	bool is_enabled[64], has_callback[4][64];
	atomic_uint correlation;
} mock = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Some of the functions of each interface, by number. */
static const char *const functions[3][64] = {
	[CUPTI_DRIVER_API] = { [3] = "cuMemAlloc_v2",
			       [7] = "cuLaunchKernel",
			       [8] = "cuLaunchKernel_ptsz",
			       [9] = "cuGraphLaunch",
			       [10] = "cuMemcpyHtoD_v2" },
	[CUPTI_RUNTIME_API] = { [5] = "cudaMalloc_v3020",
				[11] = "cudaLaunchKernel_v7000",
				[12] = "cudaGraphLaunch_v10000",
				[13] = "cudaMemcpy_v3020",
				[14] = "cudaStreamSynchronize_v3020" },
};

EXPORT int cuptiSubscribe(void **subscriber, cupti_on_call *call, void *user)
{
	(void)user;
	int code = (int)mock_script(__func__, 0);
	*subscriber = &mock;
	mock.call = code ? NULL : call;
	return code;
}

EXPORT int cuptiSubscribe_v2(void **subscriber, cupti_on_call *call, void *user,
			     struct cupti_subscriber *parameters)
{
	(void)user;
	int code = (int)mock_script(__func__, 0);
	if (code == CUPTI_TAKEN)
		snprintf(parameters->old_name, parameters->old_name_bytes, "another profiler");
	*subscriber = &mock;
	mock.call = code ? NULL : call;
	return code;
}

EXPORT int cuptiUnsubscribe(void *subscriber)
{
	int code = (int)mock_script(__func__, 0);
	if (code == 0 && subscriber == &mock) {
		mock.call = NULL;
		memset(mock.has_callback, 0, sizeof mock.has_callback);
	}
	return code;
}

EXPORT int cuptiSetThreadIdType(int type)
{
	(void)type;
	RESULT;
}

EXPORT int cuptiActivityRegisterTimestampCallback(uint64_t (*clock)(void))
{
	mock.clock = clock;
	RESULT;
}

EXPORT int cuptiActivitySetAttribute(int attribute, size_t *bytes, void *value)
{
	(void)attribute;
	(void)bytes;
	(void)value;
	RESULT;
}

EXPORT int cuptiActivityRegisterCallbacks(cupti_on_request *request, cupti_on_complete *complete)
{
	mock.request = request;
	mock.complete = complete;
	RESULT;
}

static void keep(const union record *record)
{
	pthread_mutex_lock(&mock.lock);
	long lose = mock_script("lose", 0);
	bool is_lost = mock.n_records == MOST_RECORDS ||
		       (lose && (mock.n_records + mock.n_dropped) % (uint32_t)lose == 0);
	if (mock.is_enabled[record->any.kind & 63] && is_lost)
		mock.n_dropped++;
	else if (mock.is_enabled[record->any.kind & 63])
		mock.records[mock.n_records++] = *record;
	pthread_mutex_unlock(&mock.lock);
}

EXPORT int cuptiActivityEnable(int kind)
{
	/* "cuptiActivityEnable=35:kernels" would be another script: one kind at a time is enough.
	 */
	int code = (int)mock_script(__func__, 0);
	if (mock_script("onlykind", kind) != kind)
		code = 0;
	mock.is_enabled[kind & 63] = code == 0;
	if (kind == CUPTI_DEVICE && code == 0) {
		union record record = { .device = { .kind = CUPTI_DEVICE,
						    .memory_kilobytes_per_s = 4800000000,
						    .memory_bytes = 150000000000,
						    .l2_bytes = 50 << 20,
						    .clock_khz = 1980000,
						    .multiprocessors = 132,
						    .warps = 64,
						    .blocks = 32,
						    .shared_bytes = 233472,
						    .registers = 65536,
						    .major = 9,
						    .name = "Mock H200" } };
		keep(&record);
	}
	return code;
}

EXPORT int cuptiActivityDisable(int kind)
{
	int code = (int)mock_script(__func__, 0);
	if (code == 0)
		mock.is_enabled[kind & 63] = false;
	return code;
}

EXPORT int cuptiActivityGetNextRecord(uint8_t *buffer, size_t valid, struct cupti_record **record)
{
	int code = (int)mock_script(__func__, 0);
	uint8_t *next = *record ? (uint8_t *)*record + SLOT_BYTES : buffer;
	if (code)
		return code;
	if (next + SLOT_BYTES > buffer + valid)
		return CUPTI_NO_MORE;
	*record = (struct cupti_record *)(void *)next;
	return CUPTI_OK;
}

EXPORT int cuptiActivityGetNumDroppedRecords(void *context, uint32_t stream, size_t *n)
{
	(void)context;
	(void)stream;
	*n = mock.n_dropped;
	mock.n_dropped = 0;
	RESULT;
}

EXPORT int cuptiActivityFlushPeriod(uint32_t milliseconds)
{
	(void)milliseconds;
	RESULT;
}

EXPORT int cuptiEnableCallback(uint32_t enable, void *subscriber, uint32_t domain, uint32_t id)
{
	(void)subscriber;
	int code = (int)mock_script(__func__, 0);
	if (domain < 4 && id < 64)
		mock.has_callback[domain][id] = enable && code == 0;
	return code;
}

EXPORT int cuptiGetCallbackName(uint32_t domain, uint32_t id, const char **name)
{
	int code = (int)mock_script(__func__, 0);
	if (code || domain > 2 || id > 63 || !functions[domain][id])
		return code ? code : 1; /* INVALID_PARAMETER */
	*name = functions[domain][id];
	return CUPTI_OK;
}

static void announce(uint32_t site, uint32_t domain, uint32_t id, uint32_t correlation)
{
	struct cupti_callback data = { .site = site,
				       .function = functions[domain][id],
				       .context = &mock,
				       .correlation = correlation };
	cupti_on_call *call = mock.call;
	if (call && mock.has_callback[domain][id])
		call(NULL, domain, id, &data);
}

static uint64_t now(void)
{
	return mock.clock ? mock.clock() : 1;
}

/* A function of the run-time and the driver's that it calls (0 = none), which lasts. */
static void call(uint32_t runtime, uint32_t driver, uint32_t correlation, uint64_t duration_ns)
{
	announce(CUPTI_ENTER, CUPTI_RUNTIME_API, runtime, correlation);
	if (driver)
		announce(CUPTI_ENTER, CUPTI_DRIVER_API, driver, correlation);
	for (uint64_t start = now(); now() - start < duration_ns;)
		if (!mock.clock)
			break;
	if (driver)
		announce(CUPTI_EXIT, CUPTI_DRIVER_API, driver, correlation);
	announce(CUPTI_EXIT, CUPTI_RUNTIME_API, runtime, correlation);
}

static union record kernel(const char *name, uint32_t stream, uint64_t duration_ns)
{
	uint64_t start = now();
	return (union record){ .kernel = { .kind = CUPTI_CONCURRENT_KERNEL,
					   .registers = 64,
					   .start_ns = start,
					   .end_ns = mock_script("broken", 0) ? start - 5
									      : start + duration_ns,
					   .context = 1,
					   .stream = stream,
					   .grid = { 1024, 2, 1 },
					   .block = { 256, 1, 1 },
					   .shared_static_bytes = 4096,
					   .shared_dynamic_bytes = 16384,
					   .name = name } };
}

EXPORT void mock_cupti_launch(const char *name, uint32_t stream, uint64_t duration_ns)
{
	union record record = kernel(name, stream, duration_ns);
	record.kernel.correlation = ++mock.correlation;
	call(11, 7, record.kernel.correlation, 0);
	keep(&record);
}

EXPORT void mock_cupti_graph(const char *name, uint32_t n)
{
	uint32_t correlation = ++mock.correlation;
	call(12, 9, correlation, 0);
	for (uint32_t i = 0; i < n; i++) {
		union record record = kernel(name, 7, 1000);
		record.kernel.correlation = correlation;
		record.kernel.graph = 3;
		record.kernel.graph_node = (3ull << 32) + i;
		keep(&record);
	}
}

EXPORT void mock_cupti_copy(uint32_t kind, uint64_t bytes)
{
	union record record = { .copy = { .kind = CUPTI_MEMCPY,
					  .copy_kind = (uint8_t)kind,
					  .bytes = bytes,
					  .start_ns = now(),
					  .end_ns = now() + bytes / 50,
					  .context = 1,
					  .stream = 7,
					  .correlation = ++mock.correlation } };
	call(13, 10, record.copy.correlation, 0);
	keep(&record);
	union record wait = { .wait = { .kind = CUPTI_SYNCHRONIZATION,
					.type = 3,
					.start_ns = now(),
					.end_ns = now() + 2000,
					.correlation = ++mock.correlation,
					.context = 1,
					.stream = 7 } };
	call(14, 0, wait.wait.correlation, 2000);
	keep(&wait);
}

EXPORT void mock_cupti_stray(const char *name)
{
	union record record = kernel(name, 9, 5000);
	record.kernel.correlation = 4000000000;
	keep(&record);
}

EXPORT void mock_cupti_others(void)
{
	uint32_t correlation = ++mock.correlation;
	uint64_t start = now();
	union record record = { .external = { .kind = CUPTI_EXTERNAL_CORRELATION,
					      .external_kind = 3, /* CUSTOM0 */
					      .id = 42,
					      .correlation = correlation } };
	call(13, 10, correlation, 0);
	keep(&record);
	record = (union record){ .fill = { .kind = CUPTI_MEMSET,
					   .bytes = 4096,
					   .start_ns = start,
					   .end_ns = start + 700,
					   .context = 1,
					   .stream = 7,
					   .correlation = correlation } };
	keep(&record);
	record = (union record){ .peer = { .kind = CUPTI_MEMCPY_PEER,
					   .copy_kind = 10,
					   .bytes = 1 << 20,
					   .start_ns = start,
					   .end_ns = start + 9000,
					   .context = 1,
					   .stream = 13,
					   .to_device = 1,
					   .correlation = ++mock.correlation } };
	call(13, 10, record.peer.correlation, 0);
	keep(&record);
	record = (union record){ .overhead = { .kind = CUPTI_OVERHEAD,
					       .overhead_kind = 1,
					       .start_ns = start,
					       .end_ns = start + 5000 } };
	keep(&record);
}

static void fill(uint8_t *buffer, size_t bytes, size_t *valid)
{
	uint32_t n = mock.n_records, at;
	*valid = 0;
	for (uint32_t i = 0; i < n; i++) {
		at = mock_script("reverse", 0) ? n - 1 - i : i;
		for (long twice = mock_script("duplicate", 0); twice >= 0; twice--) {
			if (*valid + SLOT_BYTES > bytes)
				return;
			memcpy(buffer + *valid, &mock.records[at], SLOT_BYTES);
			*valid += SLOT_BYTES;
		}
	}
}

static void deliver(void)
{
	uint8_t *buffer = NULL;
	size_t bytes = 0, n = 0, valid;
	if (!mock.request || !mock.complete)
		return;
	mock.request(&buffer, &bytes, &n);
	pthread_mutex_lock(&mock.lock);
	fill(buffer, bytes, &valid);
	mock.n_records = 0;
	pthread_mutex_unlock(&mock.lock);
	if (buffer)
		mock.complete(NULL, 0, buffer, bytes, valid);
}

EXPORT void mock_cupti_deliver(void)
{
	if (!mock_script("late", 0))
		deliver();
}

EXPORT int cuptiActivityFlushAll(uint32_t flags)
{
	(void)flags;
	deliver();
	if (mock_script("behind", 0)) { /* a launch comes as soon as all has been told */
		union record record = kernel("behind", 7, 100);
		record.kernel.correlation = ++mock.correlation;
		keep(&record);
	}
	RESULT;
}

/* ---- PC sampling */

/* Two that are chosen, the second counter of the first, and one that is no reason. */
static const char *const reasons[] = {
	"smsp__pcsamp_warps_issue_stalled_long_scoreboard",
	"smsp__pcsamp_warps_issue_stalled_long_scoreboard_not_issued",
	"smsp__pcsamp_warps_issue_stalled_selected",
	"smsp__pcsamp_sample_buffer_full",
};

enum { N_REASONS = sizeof reasons / sizeof reasons[0], FIRST_REASON = 30, CUBIN_CRC = 77 };

static struct {
	struct cupti_pc pcs[MOST_PCS];
	struct cupti_pc_stall stalls[MOST_PCS];
	size_t n, n_chosen;
	uint32_t chosen[N_REASONS];
	struct cupti_pc_data *last;
	bool is_on;
} pc;

EXPORT int cuptiPCSamplingGetNumStallReasons(struct cupti_pc_n_reasons *p)
{
	*p->n = (size_t)mock_script("reasons", N_REASONS);
	RESULT;
}

EXPORT int cuptiPCSamplingGetStallReasons(struct cupti_pc_reasons *p)
{
	for (size_t i = 0; i < p->n; i++) {
		p->numbers[i] = FIRST_REASON + (uint32_t)i;
		snprintf(p->names[i], CUPTI_PC_REASON_BYTES, "%s", reasons[i % N_REASONS]);
	}
	RESULT;
}

EXPORT int cuptiPCSamplingSetConfigurationAttribute(struct cupti_pc_configuration *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct cupti_pc_attribute *attribute = &p->attributes[i];
		if (attribute->type == CUPTI_PC_MODE && attribute->mode != CUPTI_PC_CONTINUOUS)
			return 1;
		if (attribute->type == CUPTI_PC_DATA)
			pc.last = attribute->data;
		if (attribute->type != CUPTI_PC_REASONS)
			continue;
		pc.n_chosen = attribute->reasons.n;
		for (size_t j = 0; j < pc.n_chosen && j < N_REASONS; j++)
			pc.chosen[j] = attribute->reasons.list[j];
	}
	RESULT;
}

EXPORT int cuptiPCSamplingGetConfigurationAttribute(struct cupti_pc_configuration *p)
{
	p->attributes[0].period = 12;
	RESULT;
}

EXPORT int cuptiPCSamplingEnable(struct cupti_pc_context *p)
{
	int code = (int)mock_script(__func__, 0);
	pc.is_on = p->context == &mock && code == 0;
	return code;
}

static bool is_chosen(uint32_t reason)
{
	for (size_t i = 0; i < pc.n_chosen && i < N_REASONS; i++)
		if (pc.chosen[i] == reason)
			return true;
	return false;
}

/* The first of what is pending. */
static void hand_out(struct cupti_pc_data *data, size_t most)
{
	size_t n = pc.n < most ? pc.n : most;
	for (size_t i = 0; i < n; i++) {
		struct cupti_pc *out = &data->pcs[i];
		struct cupti_pc_stall *stalls = out->stalls;
		*out = pc.pcs[i];
		out->stalls = stalls;
		out->n_stalls = is_chosen(pc.stalls[i].reason);
		stalls[0] = pc.stalls[i];
		data->n_samples += pc.stalls[i].n_samples;
	}
	pc.n -= n;
	memmove(pc.pcs, pc.pcs + n, pc.n * sizeof pc.pcs[0]);
	memmove(pc.stalls, pc.stalls + n, pc.n * sizeof pc.stalls[0]);
	data->n_pcs = (size_t)mock_script("claimed", (long)n);
	data->n_left = pc.n;
	data->n_dropped = (uint64_t)mock_script("hardware_dropped", 0);
	data->n_foreign = (uint64_t)mock_script("foreign", 0);
}

static size_t room(const struct cupti_pc_data *data)
{
	long n = mock_script("room", (long)data->most_pcs);
	return (size_t)n < data->most_pcs ? (size_t)n : data->most_pcs;
}

EXPORT int cuptiPCSamplingGetData(struct cupti_pc_get *p)
{
	int code = (int)mock_script(__func__, 0);
	if (code || !pc.is_on)
		return code ? code : 2; /* INVALID_OPERATION */
	pthread_mutex_lock(&mock.lock);
	hand_out(p->data, room(p->data));
	pthread_mutex_unlock(&mock.lock);
	return 0;
}

EXPORT int cuptiPCSamplingDisable(struct cupti_pc_context *p)
{
	(void)p;
	int code = (int)mock_script(__func__, 0);
	if (code == 0 && pc.last)
		hand_out(pc.last, pc.last->most_pcs);
	pc.is_on = false;
	return code;
}

EXPORT int cuptiGetCubinCrc(struct cupti_pc_crc *p)
{
	p->crc = CUBIN_CRC;
	RESULT;
}

EXPORT int cuptiGetSassToSourceCorrelation(struct cupti_pc_line *p)
{
	int code = (int)mock_script(__func__, 0);
	if (code || strstr(p->function, "without_lines"))
		return code ? code : CUPTI_UNKNOWN;
	p->line = 100 + (uint32_t)(p->offset / 16);
	p->file = strdup("/src/kernel.cu");
	p->folder = strdup("/src");
	return 0;
}

static void announce_resource(uint32_t id, struct cupti_module *module)
{
	struct cupti_resource data = { .context = &mock, .descriptor = module };
	if (mock.call && mock.has_callback[CUPTI_RESOURCE][id])
		mock.call(NULL, CUPTI_RESOURCE, id, &data);
}

EXPORT void mock_cupti_context(void)
{
	static const char cubin[] = "a cubin with .debug_line", other[] = "a cubin without";
	struct cupti_module modules[] = { { 1, sizeof cubin, cubin }, { 2, sizeof other, other } };
	announce_resource(CUPTI_CONTEXT_CREATED, NULL);
	announce_resource(CUPTI_MODULE_LOADED, &modules[0]);
	announce_resource(CUPTI_MODULE_LOADED, &modules[1]);
}

EXPORT void mock_cupti_context_end(void)
{
	announce_resource(CUPTI_CONTEXT_ENDS, NULL);
}

EXPORT void mock_cupti_sample(const char *kernel, uint64_t offset, uint32_t reason, uint32_t n)
{
	pthread_mutex_lock(&mock.lock);
	if (pc.n < MOST_PCS) {
		pc.stalls[pc.n] = (struct cupti_pc_stall){ FIRST_REASON + reason, n };
		pc.pcs[pc.n++] = (struct cupti_pc){ .bytes = sizeof(struct cupti_pc),
						    .cubin = CUBIN_CRC,
						    .offset = offset,
						    .function = (char *)(uintptr_t)kernel };
	}
	pthread_mutex_unlock(&mock.lock);
}
