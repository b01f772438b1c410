/*
 * cupti: the part of CUPTI's binary interface that is used, so that building needs none of NVIDIA's
 * headers. Newer libraries only append to records, so what is declared here is the beginning of
 * each; tests/cupti_layout.sh compares it with the real headers where there are any.
 * Source: NVIDIA, "CUPTI API Reference", CUDA 13.0 (and 12: the same offsets).
 */
#ifndef GPU_CUPTI_H
#define GPU_CUPTI_H

#include <stddef.h>
#include <stdint.h>

enum cupti_code {
	CUPTI_OK = 0,
	CUPTI_NO_MORE = 12, /* MAX_LIMIT_REACHED: the buffer is at its end */
	CUPTI_NOT_COMPATIBLE = 14,
	CUPTI_NOT_INITIALIZED = 15,
	CUPTI_PRIVILEGES = 35,
	CUPTI_LEGACY_PROFILER = 38,
	CUPTI_TAKEN = 39, /* MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED */
	CUPTI_VIRTUAL_PRIVILEGES = 40,
	CUPTI_CONFIDENTIAL = 41,
	CUPTI_MIG = 43,
	CUPTI_UNKNOWN = 999,
};

enum cupti_kind {
	CUPTI_MEMCPY = 1,
	CUPTI_MEMSET = 2,
	CUPTI_DEVICE = 8,
	CUPTI_CONCURRENT_KERNEL = 10,
	CUPTI_OVERHEAD = 17,
	CUPTI_MEMCPY_PEER = 22,
	CUPTI_SYNCHRONIZATION = 38,
	CUPTI_EXTERNAL_CORRELATION = 39,
};

enum {
	CUPTI_DRIVER_API = 1,
	CUPTI_RUNTIME_API = 2,
	CUPTI_ENTER = 0,
	CUPTI_EXIT = 1,
	CUPTI_THREAD_ID_SYSTEM = 1,
	CUPTI_ATTRIBUTE_ZEROED_BUFFER = 5,
	CUPTI_ATTRIBUTE_PER_THREAD_BUFFER = 9,
	CUPTI_FLUSH_FORCED = 1,
};

struct cupti_record {
	uint32_t kind;
};

struct cupti_kernel {
	uint32_t kind;
	uint8_t cache, shared_config;
	uint16_t registers;
	uint32_t partitioned[2];
	uint64_t start_ns, end_ns, completed_ns;
	uint32_t device, context, stream;
	int32_t grid[3], block[3];
	int32_t shared_static_bytes, shared_dynamic_bytes;
	uint32_t local_bytes, local_total_bytes, correlation;
	int64_t grid_id;
	const char *name;
	void *reserved;
	uint64_t queued_ns, submitted_ns;
	uint8_t launch_type, flags[3];
	uint32_t shared_executed_bytes;
	uint64_t graph_node;
	uint32_t unused, graph;
};

struct cupti_memcpy {
	uint32_t kind;
	uint8_t copy_kind, from, to, flags;
	uint64_t bytes, start_ns, end_ns;
	uint32_t device, context, stream, correlation, runtime_correlation, unused;
	void *reserved;
	uint64_t graph_node;
	uint32_t graph;
};

struct cupti_memcpy_peer {
	uint32_t kind;
	uint8_t copy_kind, from, to, flags;
	uint64_t bytes, start_ns, end_ns;
	uint32_t device, context, stream, from_device, from_context, to_device, to_context;
	uint32_t correlation;
	void *reserved;
	uint64_t graph_node;
	uint32_t graph;
};

struct cupti_memset {
	uint32_t kind, value;
	uint64_t bytes, start_ns, end_ns;
	uint32_t device, context, stream, correlation;
	uint16_t flags, memory_kind;
	uint32_t unused;
	void *reserved;
	uint64_t graph_node;
	uint32_t graph;
};

struct cupti_synchronization {
	uint32_t kind, type;
	uint64_t start_ns, end_ns;
	uint32_t correlation, context, stream, event;
};

struct cupti_external {
	uint32_t kind, external_kind;
	uint64_t id;
	uint32_t correlation;
};

struct cupti_overhead {
	uint32_t kind, overhead_kind, object_kind, object[3];
	uint64_t start_ns, end_ns;
};

struct cupti_device {
	uint32_t kind, flags;
	uint64_t memory_kilobytes_per_s, memory_bytes;
	uint32_t constant_bytes, l2_bytes, warp_threads, clock_khz, copy_engines, multiprocessors;
	uint32_t max_ipc, warps, blocks, shared_bytes, registers;
	uint32_t more[9], major, minor, id, ecc;
	uint8_t uuid[16];
	const char *name;
};

struct cupti_callback {
	uint32_t site, unused;
	const char *function;
	const void *parameters;
	void *result;
	const char *symbol;
	void *context;
	uint32_t context_id, unused_too;
	uint64_t *user;
	uint32_t correlation;
};

/* Of cuptiSubscribe_v2; the old subscriber's name comes back. */
struct cupti_subscriber {
	size_t struct_bytes;
	const char *name;
	char *old_name;
	size_t old_name_bytes;
};

_Static_assert(offsetof(struct cupti_kernel, graph) == 156, "as in CUDA 12 and 13");
_Static_assert(offsetof(struct cupti_memcpy, graph) == 72, "as in CUDA 12 and 13");
_Static_assert(offsetof(struct cupti_memcpy_peer, graph) == 80, "as in CUDA 12 and 13");
_Static_assert(offsetof(struct cupti_memset, graph) == 72, "as in CUDA 12 and 13");
_Static_assert(offsetof(struct cupti_device, name) == 136, "as in CUDA 12 and 13");

typedef void cupti_on_call(void *user, uint32_t domain, uint32_t id, const void *data);
typedef void cupti_on_request(uint8_t **buffer, size_t *bytes, size_t *n_records);
typedef void cupti_on_complete(void *context, uint32_t stream, uint8_t *buffer, size_t bytes,
			       size_t valid_bytes);

struct cupti_calls {
	int (*subscribe)(void **subscriber, cupti_on_call *call, void *user);
	int (*subscribe_named)(void **subscriber, cupti_on_call *call, void *user,
			       struct cupti_subscriber *parameters);
	int (*unsubscribe)(void *subscriber);
	int (*set_thread_id)(int type);
	int (*set_clock)(uint64_t (*clock)(void));
	int (*set_attribute)(int attribute, size_t *bytes, void *value);
	int (*set_buffers)(cupti_on_request *request, cupti_on_complete *complete);
	int (*enable)(int kind);
	int (*disable)(int kind);
	int (*next_record)(uint8_t *buffer, size_t valid_bytes, struct cupti_record **record);
	int (*count_dropped)(void *context, uint32_t stream, size_t *n);
	int (*flush_period)(uint32_t milliseconds);
	int (*flush)(uint32_t flags);
	int (*enable_callback)(uint32_t enable, void *subscriber, uint32_t domain, uint32_t id);
	int (*callback_name)(uint32_t domain, uint32_t id, const char **name);
};

#endif
