/*
 * A stand-in for libcupti.so.13: keeps what launches there were and hands out records of them as
 * CUPTI does, in buffers that the listener lends. Nothing here computes anything.
 */
#include "tests/mock_cupti.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gpu/cupti.h"
#include "tests/mock_script.h"

#define EXPORT __attribute__((visibility("default")))
#define RESULT return (int)mock_script(__func__, 0)

enum { MOST_RECORDS = 1 << 16, SLOT_BYTES = 256 };

int cuptiSubscribe(void **subscriber, cupti_on_call *call, void *user);
int cuptiSubscribe_v2(void **subscriber, cupti_on_call *call, void *user,
		      struct cupti_subscriber *parameters);
int cuptiSetThreadIdType(int type);
int cuptiActivityRegisterTimestampCallback(uint64_t (*clock)(void));
int cuptiActivitySetAttribute(int attribute, size_t *bytes, void *value);
int cuptiActivityRegisterCallbacks(cupti_on_request *request, cupti_on_complete *complete);
int cuptiActivityEnable(int kind);
int cuptiActivityGetNextRecord(uint8_t *buffer, size_t valid, struct cupti_record **record);
int cuptiActivityGetNumDroppedRecords(void *context, uint32_t stream, size_t *n);
int cuptiActivityFlushPeriod(uint32_t milliseconds);
int cuptiActivityFlushAll(uint32_t flags);
int cuptiEnableCallback(uint32_t enable, void *subscriber, uint32_t domain, uint32_t id);
int cuptiGetCallbackName(uint32_t domain, uint32_t id, const char **name);

/* A record as it lies in a buffer: all are as long here. */
union record {
	struct cupti_record any;
	struct cupti_kernel kernel;
	struct cupti_memcpy copy;
	struct cupti_synchronization wait;
	struct cupti_device device;
	unsigned char bytes[SLOT_BYTES];
};

static struct {
	pthread_mutex_t lock;
	cupti_on_call *call;
	cupti_on_request *request;
	cupti_on_complete *complete;
	uint64_t (*clock)(void);
	union record records[MOST_RECORDS];
	uint32_t n_records, n_dropped;
	bool is_enabled[64], has_callback[3][64];
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
	if (mock.n_records == MOST_RECORDS || !mock.is_enabled[record->any.kind & 63] ||
	    (lose && (mock.n_records + mock.n_dropped) % (uint32_t)lose == 0))
		mock.n_dropped++;
	else
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
	if (domain < 3 && id < 64)
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
				       .correlation = correlation };
	if (mock.call && mock.has_callback[domain][id])
		mock.call(NULL, domain, id, &data);
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
	RESULT;
}
