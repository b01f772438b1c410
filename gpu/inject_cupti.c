/*
 * libstoke-cupti.so: loaded into a CUDA program by the driver, which calls InitializeInjection
 * (CUDA_INJECTION64_PATH). It asks CUPTI for a record of each kernel, copy, fill and wait, takes
 * the CPU's stack where one is started, and writes all of it to the memory in STOKE_GPU_FD.
 *
 * The program comes first: whatever fails is told to the profiler and the program goes on as if
 * nothing were here.
 */
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/cupti.h"
#include "gpu/cupti_pc.h"
#include "gpu/gpu_record.h"
#include "gpu/inject_nvtx.h"
#include "gpu/inject_ring.h"
#include "gpu/inject_stalls.h"
#include "sampler/base/library.h"

enum {
	FLUSH_MS = 100,         /* records reach the screen within two of these */
	BUFFER_BYTES = 1 << 20, /* some 4,500 kernels; NVIDIA advises 1 to 10 MiB */
	BUFFER_ALIGNMENT = 8,   /* required by CUPTI */
	MOST_CALLBACKS = 2048,  /* numbers of functions: CUDA 13.0 ends below 900 */
	MOST_PLACES = 16,
	PLACE_BYTES = 4096,
};

struct inject {
	/* Of a child that was forked away: CUDA and CUPTI work in its parent only. */
	bool is_forked, is_fork_told;
	struct inject_ring *ring;
	struct cupti_calls calls;
	void *library, *subscriber;
};

static struct inject inject;

#define AT(field) offsetof(struct cupti_calls, field)

static const struct library_symbol symbols[] = {
	{ "cuptiSubscribe", AT(subscribe), true },
	{ "cuptiSubscribe_v2", AT(subscribe_named), false },
	{ "cuptiSetThreadIdType", AT(set_thread_id), false },
	{ "cuptiActivityRegisterTimestampCallback", AT(set_clock), true },
	{ "cuptiActivitySetAttribute", AT(set_attribute), false },
	{ "cuptiActivityRegisterCallbacks", AT(set_buffers), true },
	{ "cuptiActivityEnable", AT(enable), true },
	{ "cuptiActivityGetNextRecord", AT(next_record), true },
	{ "cuptiActivityGetNumDroppedRecords", AT(count_dropped), false },
	{ "cuptiActivityFlushPeriod", AT(flush_period), false },
	{ "cuptiActivityFlushAll", AT(flush), true },
	{ "cuptiEnableCallback", AT(enable_callback), true },
	{ "cuptiGetCallbackName", AT(callback_name), true },
	{ 0 },
};

static bool report(int code, bool is_fatal, const char *text)
{
	struct gpu_problem problem = { .code = (uint32_t)code, .is_fatal = is_fatal };
	if (code == CUPTI_OK)
		return true;
	snprintf(problem.text, sizeof problem.text, "%s", text);
	inject_ring_send(inject.ring, GPU_PROBLEM, 0, &problem, sizeof problem);
	return false;
}

/* ---- stacks of launches */

/* What each function that is listened to is for, by number. */
static uint8_t call_kinds[CUPTI_RUNTIME_API + 1][MOST_CALLBACKS];

/*
 * The call that this thread is in. The run-time's functions call the driver's, and both are
 * announced under one number: the outer one counts. It is told when it returns, so that its length
 * is known: no record of its work can come before that by more than the profiler waits for.
 */
struct open_call {
	struct gpu_launch launch;
	uint64_t start_ns;
	uint32_t domain, id;
	bool is_open;
};

static _Thread_local struct open_call open_call;
static _Thread_local uint32_t last_correlation;

static void send_call(uint64_t end_ns)
{
	open_call.launch.duration_ns = end_ns - open_call.start_ns;
	open_call.is_open = false;
	inject_ring_send(inject.ring, GPU_LAUNCH, open_call.start_ns, &open_call.launch,
			 sizeof open_call.launch);
}

static void enter(uint32_t domain, uint32_t id, const struct cupti_callback *call)
{
	void *frames[GPU_MOST_FRAMES];
	uint64_t now = inject_now_ns();
	if (open_call.is_open) /* it was left by an exception */
		send_call(now);
	int n = unw_backtrace(frames, GPU_MOST_FRAMES);
	void *library;
	memcpy(&library, &inject.calls.enable, sizeof library);
	open_call = (struct open_call){
		.launch = { .correlation = call->correlation, .kind = call_kinds[domain][id] },
		.start_ns = now,
		.domain = domain,
		.id = id,
		.is_open = true,
	};
	if (n > 0)
		open_call.launch.stack =
			inject_ring_stack(inject.ring, frames, (size_t)n, &inject, library);
	open_call.launch.function = inject_ring_name(inject.ring, call->function);
	open_call.launch.ranges = inject_nvtx_ranges(inject.ring);
}

static void on_call(void *user, uint32_t domain, uint32_t id, const void *data)
{
	const struct cupti_callback *call = data;
	(void)user;
	if (domain == CUPTI_RESOURCE && !inject.is_forked)
		inject_stalls_resource(id, data);
	if (domain > CUPTI_RUNTIME_API || id >= MOST_CALLBACKS)
		return;
	if (inject.is_forked) {
		if (!inject.is_fork_told)
			report(GPU_FORKED, false, "fork");
		inject.is_fork_told = true;
		return;
	}
	if (call->site == CUPTI_ENTER) {
		if (call->correlation != last_correlation)
			enter(domain, id, call);
		last_correlation = call->correlation;
	} else if (open_call.is_open && open_call.domain == domain && open_call.id == id) {
		send_call(inject_now_ns());
		inject_stalls_pass();
	}
}

/* By name, so that every form (_ptsz, _v7000, Ex, cooperative) of every version is meant. */
static bool is_wanted(const char *name, uint8_t *kind)
{
	static const struct {
		const char *start;
		uint8_t kind;
	} known[] = {
		{ "cuLaunch", GPU_CALL_LAUNCH },        { "cudaLaunch", GPU_CALL_LAUNCH },
		{ "__cudaLaunch", GPU_CALL_LAUNCH },    { "cuGraphLaunch", GPU_CALL_LAUNCH },
		{ "cudaGraphLaunch", GPU_CALL_LAUNCH }, { "cuMemcpy", GPU_CALL_COPY },
		{ "cudaMemcpy", GPU_CALL_COPY },        { "cuMemset", GPU_CALL_COPY },
		{ "cudaMemset", GPU_CALL_COPY },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strncmp(name, known[i].start, strlen(known[i].start)) == 0) {
			*kind = known[i].kind;
			return true;
		}
	*kind = GPU_CALL_SYNC;
	return strstr(name, "Synchronize") != NULL;
}

static void enable_callbacks(uint32_t domain)
{
	int failed = CUPTI_OK, n_enabled = 0;
	for (uint32_t id = 1; id < MOST_CALLBACKS; id++) {
		const char *name = NULL;
		if (inject.calls.callback_name(domain, id, &name) != CUPTI_OK || !name ||
		    !is_wanted(name, &call_kinds[domain][id]))
			continue;
		int code = inject.calls.enable_callback(1, inject.subscriber, domain, id);
		failed = code != CUPTI_OK ? code : failed;
		n_enabled += code == CUPTI_OK;
	}
	report(failed, false, "cuptiEnableCallback");
	if (n_enabled == 0 && failed == CUPTI_OK)
		report(CUPTI_UNKNOWN, false, "cuptiGetCallbackName");
}

/* ---- records of the device */

static void send_kernel(const struct cupti_kernel *kernel)
{
	struct gpu_kernel out = {
		.start_ns = kernel->start_ns,
		.end_ns = kernel->end_ns,
		.name = inject_ring_name(inject.ring, kernel->name),
		.graph_node = kernel->graph_node,
		.correlation = kernel->correlation,
		.device = kernel->device,
		.context = kernel->context,
		.stream = kernel->stream,
		.graph = kernel->graph,
		.registers = kernel->registers,
		.shared_static_bytes = (uint32_t)kernel->shared_static_bytes,
		.shared_dynamic_bytes = (uint32_t)kernel->shared_dynamic_bytes,
		.local_bytes = kernel->local_bytes,
		.shared_executed_bytes = kernel->shared_executed_bytes,
	};
	for (int i = 0; i < 3; i++) {
		out.grid[i] = (uint32_t)kernel->grid[i];
		out.block[i] = (uint16_t)kernel->block[i];
	}
	inject_ring_send(inject.ring, GPU_KERNEL, 0, &out, sizeof out);
}

static void send_copy(uint32_t type, struct gpu_copy copy)
{
	inject_ring_send(inject.ring, type, 0, &copy, sizeof copy);
}

static void send_memcpy(const struct cupti_memcpy *row)
{
	send_copy(GPU_COPY,
		  (struct gpu_copy){ row->start_ns, row->end_ns, row->bytes, row->graph_node,
				     row->correlation, row->device, row->context, row->stream,
				     row->graph, row->copy_kind, row->device, 0 });
}

static void send_peer(const struct cupti_memcpy_peer *row)
{
	send_copy(GPU_COPY,
		  (struct gpu_copy){ row->start_ns, row->end_ns, row->bytes, row->graph_node,
				     row->correlation, row->device, row->context, row->stream,
				     row->graph, row->copy_kind, row->to_device, 0 });
}

static void send_memset(const struct cupti_memset *row)
{
	send_copy(GPU_FILL,
		  (struct gpu_copy){ row->start_ns, row->end_ns, row->bytes, row->graph_node,
				     row->correlation, row->device, row->context, row->stream,
				     row->graph, 0, row->device, 0 });
}

static void send_device(const struct cupti_device *device)
{
	struct gpu_device out = {
		.name = inject_ring_name(inject.ring, device->name),
		.memory_bytes = device->memory_bytes,
		.memory_bytes_per_s = device->memory_kilobytes_per_s * 1000,
		.id = device->id,
		.multiprocessors = device->multiprocessors,
		.warps = device->warps,
		.blocks = device->blocks,
		.shared_bytes = device->shared_bytes,
		.registers = device->registers,
		.clock_khz = device->clock_khz,
		.major = device->major,
		.minor = device->minor,
		.l2_bytes = device->l2_bytes,
	};
	memcpy(out.uuid, device->uuid, sizeof out.uuid);
	inject_ring_send(inject.ring, GPU_DEVICE, 0, &out, sizeof out);
}

static void send_other(const struct cupti_record *record)
{
	if (record->kind == CUPTI_SYNCHRONIZATION) {
		const struct cupti_synchronization *row = (const void *)record;
		send_copy(GPU_SYNC, (struct gpu_copy){ .start_ns = row->start_ns,
						       .end_ns = row->end_ns,
						       .correlation = row->correlation,
						       .context = row->context,
						       .stream = row->stream,
						       .kind = row->type });
	} else if (record->kind == CUPTI_OVERHEAD) {
		const struct cupti_overhead *row = (const void *)record;
		send_copy(GPU_OVERHEAD, (struct gpu_copy){ .start_ns = row->start_ns,
							   .end_ns = row->end_ns,
							   .kind = row->overhead_kind });
	} else if (record->kind == CUPTI_EXTERNAL_CORRELATION) {
		const struct cupti_external *row = (const void *)record;
		struct gpu_external out = { row->id, row->correlation, row->external_kind };
		inject_ring_send(inject.ring, GPU_EXTERNAL, 0, &out, sizeof out);
	}
}

static void send_record(const struct cupti_record *record)
{
	switch (record->kind) {
	case CUPTI_CONCURRENT_KERNEL:
		send_kernel((const void *)record);
		break;
	case CUPTI_MEMCPY:
		send_memcpy((const void *)record);
		break;
	case CUPTI_MEMCPY_PEER:
		send_peer((const void *)record);
		break;
	case CUPTI_MEMSET:
		send_memset((const void *)record);
		break;
	case CUPTI_DEVICE:
		send_device((const void *)record);
		break;
	default:
		send_other(record);
	}
}

/* Without memory the record is dropped, which CUPTI counts. */
static void on_request(uint8_t **buffer, size_t *bytes, size_t *n_records)
{
	*buffer = aligned_alloc(BUFFER_ALIGNMENT, BUFFER_BYTES);
	*bytes = *buffer ? BUFFER_BYTES : 0;
	*n_records = 0; /* as many as fit */
	if (*buffer)
		memset(*buffer, 0, BUFFER_BYTES); /* as promised by ZEROED_BUFFER */
}

static void on_complete(void *context, uint32_t stream, uint8_t *buffer, size_t bytes,
			size_t valid_bytes)
{
	struct cupti_record *record = NULL;
	size_t n_dropped = 0;
	int code = CUPTI_OK;
	(void)bytes;
	while (buffer && valid_bytes) {
		code = inject.calls.next_record(buffer, valid_bytes, &record);
		if (code != CUPTI_OK)
			break;
		send_record(record);
	}
	if (code != CUPTI_OK && code != CUPTI_NO_MORE)
		report(code, false, "cuptiActivityGetNextRecord");
	if (inject.calls.count_dropped &&
	    inject.calls.count_dropped(context, stream, &n_dropped) == CUPTI_OK && n_dropped) {
		struct gpu_count count = { n_dropped };
		inject_ring_send(inject.ring, GPU_DROPPED, 0, &count, sizeof count);
	}
	free(buffer);
}

/* ---- setting up */

static bool subscribe(void)
{
	char other[GPU_TEXT_BYTES] = "";
	struct cupti_subscriber parameters = { sizeof parameters, "stoke", other, sizeof other };
	int code = inject.calls.subscribe_named
			   ? inject.calls.subscribe_named(&inject.subscriber, on_call, NULL,
							  &parameters)
			   : inject.calls.subscribe(&inject.subscriber, on_call, NULL);
	other[sizeof other - 1] = '\0';
	return report(code, true, code == CUPTI_TAKEN && other[0] ? other : "cuptiSubscribe");
}

static void set_attribute(int attribute)
{
	uint8_t on = 1;
	size_t bytes = sizeof on;
	if (inject.calls.set_attribute)
		report(inject.calls.set_attribute(attribute, &bytes, &on), false,
		       "cuptiActivitySetAttribute");
}

/* GRAPH_TRACE is not asked for: it would replace the kernels of graphs by one record a graph. */
static bool enable_kinds(void)
{
	static const struct {
		int kind;
		const char *name;
	} kinds[] = {
		{ CUPTI_DEVICE, "cuptiActivityEnable: devices" },
		{ CUPTI_MEMCPY, "cuptiActivityEnable: copies" },
		{ CUPTI_MEMCPY_PEER, "cuptiActivityEnable: copies between devices" },
		{ CUPTI_MEMSET, "cuptiActivityEnable: fills" },
		{ CUPTI_SYNCHRONIZATION, "cuptiActivityEnable: synchronisation" },
		{ CUPTI_EXTERNAL_CORRELATION, "cuptiActivityEnable: external correlation" },
		{ CUPTI_OVERHEAD, "cuptiActivityEnable: overhead" },
	};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		report(inject.calls.enable(kinds[i].kind), false, kinds[i].name);
	return report(inject.calls.enable(CUPTI_CONCURRENT_KERNEL), true,
		      "cuptiActivityEnable: kernels");
}

static void flush(void)
{
	if (inject.is_forked)
		return;
	inject_stalls_end();
	inject.calls.flush(CUPTI_FLUSH_FORCED);
}

static void on_fork(void)
{
	inject.is_forked = true;
}

/* Contexts and modules; where one of them stays unheard of, nothing is sampled. */
static void listen_for_stalls(void)
{
	static const uint32_t wanted[] = { CUPTI_CONTEXT_CREATED, CUPTI_CONTEXT_ENDS,
					   CUPTI_MODULE_LOADED };
	if (!inject_stalls_find(inject.ring, inject.library))
		return;
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		int code = inject.calls.enable_callback(1, inject.subscriber, CUPTI_RESOURCE,
							wanted[i]);
		if (code != CUPTI_OK)
			inject_stalls_refuse(code, "cuptiEnableCallback: resources");
	}
}

static bool set_up(void)
{
	if (!subscribe())
		return false;
	if (inject.calls.set_thread_id)
		report(inject.calls.set_thread_id(CUPTI_THREAD_ID_SYSTEM), false,
		       "cuptiSetThreadIdType");
	/* Without it, times are of another clock than everything else. */
	if (!report(inject.calls.set_clock(inject_now_ns), true,
		    "cuptiActivityRegisterTimestampCallback"))
		return false;
	set_attribute(CUPTI_ATTRIBUTE_PER_THREAD_BUFFER);
	set_attribute(CUPTI_ATTRIBUTE_ZEROED_BUFFER);
	if (!report(inject.calls.set_buffers(on_request, on_complete), true,
		    "cuptiActivityRegisterCallbacks"))
		return false;
	if (!enable_kinds())
		return false;
	enable_callbacks(CUPTI_RUNTIME_API);
	enable_callbacks(CUPTI_DRIVER_API);
	listen_for_stalls();
	if (inject.calls.flush_period)
		report(inject.calls.flush_period(FLUSH_MS), false, "cuptiActivityFlushPeriod");
	pthread_atfork(NULL, NULL, on_fork);
	atexit(flush);
	return true;
}

/* ---- finding CUPTI */

struct places {
	char paths[MOST_PLACES][PLACE_BYTES];
	const char *names[MOST_PLACES + 1];
	size_t n;
};

static void add_place(struct places *places, const char *folder, size_t folder_bytes,
		      const char *file)
{
	if (places->n == MOST_PLACES)
		return;
	int n = snprintf(places->paths[places->n], PLACE_BYTES, "%.*s%s", (int)folder_bytes, folder,
			 file);
	if (n <= 0 || n >= PLACE_BYTES)
		return;
	places->names[places->n] = places->paths[places->n];
	places->n++;
}

/* Beside the run-time library: in the toolkit, or in Python's packages. */
static int add_beside(struct dl_phdr_info *info, size_t bytes, void *opaque)
{
	const char *name = strstr(info->dlpi_name, "/libcudart.so");
	(void)bytes;
	if (!name)
		return 0;
	size_t folder_bytes = (size_t)(name - info->dlpi_name);
	add_place(opaque, info->dlpi_name, folder_bytes, "/libcupti.so.13");
	add_place(opaque, info->dlpi_name, folder_bytes, "/libcupti.so.12");
	add_place(opaque, info->dlpi_name, folder_bytes, "/../extras/CUPTI/lib64/libcupti.so");
	add_place(opaque, info->dlpi_name, folder_bytes, "/../../cuda_cupti/lib/libcupti.so.12");
	return 1;
}

static bool find_cupti(void)
{
	static struct places places;
	const char *chosen = getenv("STOKE_CUPTI");
	const char *const only[] = { chosen, NULL };
	struct why why;
	if (chosen && *chosen) {
		inject.library =
			library_open(only, "CUPTI", "NVIDIA driver", symbols, &inject.calls, &why);
		return inject.library || report(GPU_NO_CUPTI, true, "library at STOKE_CUPTI");
	}
	add_place(&places, "", 0, "libcupti.so.13");
	add_place(&places, "", 0, "libcupti.so.12");
	dl_iterate_phdr(add_beside, &places);
	add_place(&places, "", 0, "/usr/local/cuda/lib64/libcupti.so");
	add_place(&places, "", 0, "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so");
	inject.library =
		library_open(places.names, "CUPTI", "NVIDIA driver", symbols, &inject.calls, &why);
	return inject.library || report(GPU_NO_CUPTI, true, "libcupti.so");
}

static void say_started(void)
{
	struct gpu_problem started = { 0 };
	struct link_map *map = NULL;
	const char *name = "";
	if (dlinfo(inject.library, RTLD_DI_LINKMAP, &map) == 0 && map)
		name = map->l_name;
	size_t n = strlen(name), most = sizeof started.text - 1;
	snprintf(started.text, sizeof started.text, "%s", n > most ? name + n - most : name);
	inject_ring_send(inject.ring, GPU_STARTED, 0, &started, sizeof started);
}

/* Called by the driver when the program first uses CUDA. 1 = fine; anything else is fatal there. */
__attribute__((visibility("default"))) int InitializeInjection(void);

__attribute__((visibility("default"))) int InitializeInjection(void)
{
	static atomic_flag is_begun = ATOMIC_FLAG_INIT;
	if (atomic_flag_test_and_set(&is_begun))
		return 1;
	inject.ring = inject_ring_open();
	if (inject.ring && find_cupti() && set_up())
		say_started();
	return 1;
}
