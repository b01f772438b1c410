/*
 * libstoke-cupti.so: loaded into a CUDA program by the driver, which calls InitializeInjection
 * (CUDA_INJECTION64_PATH). It asks CUPTI for a record of each kernel, copy, fill and wait, takes
 * the CPU's stack where one is started, and writes all of it to the memory in STOKE_GPU_FD. Without
 * such memory it does nothing but wait for a profiler that brings some (inject_listen.h); when that
 * one goes, CUPTI is let go of again.
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
#include <sys/auxv.h>
#include <time.h>

#include "gpu/cupti.h"
#include "gpu/cupti_pc.h"
#include "gpu/gpu_record.h"
#include "gpu/inject_devices.h"
#include "gpu/inject_find.h"
#include "gpu/inject_listen.h"
#include "gpu/inject_nvtx.h"
#include "gpu/inject_ring.h"
#include "gpu/inject_stalls.h"

enum {
	FLUSH_MS = 100,         /* records reach the screen within two of these */
	BUFFER_BYTES = 1 << 20, /* some 4,500 kernels; NVIDIA advises 1 to 10 MiB */
	BUFFER_ALIGNMENT = 8,   /* required by CUPTI */
	MOST_CALLBACKS = 2048,  /* numbers of functions: CUDA 13.0 ends below 900 */
	END_S = 2, /* the program's end waits for one who attaches; CUPTI takes 0.2 s */
};

struct inject {
	/* Of a child that was forked away: CUDA and CUPTI work in its parent only. */
	bool is_forked, is_fork_told;
	bool is_late; /* profilers come while the program runs */
	/* Whose ear CUPTI has (inject_ring_attachment); 0: nobody's, whatever it says. Set before
	 * CUPTI is asked for anything, so who sees it sees all of this. */
	_Atomic uint32_t attachment;
	_Atomic bool has_stalls, is_ending;
	pthread_mutex_t lock; /* of beginning and ending */
	struct inject_ring *ring;
	struct cupti_calls calls;
	void *library, *subscriber;
	char *chosen; /* STOKE_CUPTI; read at the start, before others change the environment */
};

static struct inject inject = { .lock = PTHREAD_MUTEX_INITIALIZER };

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
	uint32_t domain, id, attachment;
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

/* Opened for who listens now; what the last profiler was to hear is nothing to this one. */
static bool is_open(uint32_t attachment)
{
	return open_call.is_open && open_call.attachment == attachment;
}

static void enter(uint32_t domain, uint32_t id, const struct cupti_callback *call,
		  uint32_t attachment)
{
	void *frames[GPU_MOST_FRAMES];
	uint64_t now = inject_now_ns();
	if (is_open(attachment)) /* it was left by an exception */
		send_call(now);
	int n = unw_backtrace(frames, GPU_MOST_FRAMES);
	void *library;
	memcpy(&library, &inject.calls.enable, sizeof library);
	open_call = (struct open_call){
		.launch = { .correlation = call->correlation, .kind = call_kinds[domain][id] },
		.start_ns = now,
		.domain = domain,
		.id = id,
		.attachment = attachment,
		.is_open = true,
	};
	if (n > 0)
		open_call.launch.stack =
			inject_ring_stack(inject.ring, frames, (size_t)n, &inject, library);
	open_call.launch.function = inject_ring_name(inject.ring, call->function);
	open_call.launch.ranges = inject_nvtx_ranges(inject.ring);
}

static void leave(const struct cupti_callback *call, uint32_t attachment)
{
	static _Thread_local const void *last_context;
	static _Thread_local uint32_t last_attachment;
	send_call(inject_now_ns());
	if (!atomic_load_explicit(&inject.has_stalls, memory_order_acquire))
		return;
	/* Contexts that were there before the profiler. */
	if (inject.is_late && call->context &&
	    (call->context != last_context || attachment != last_attachment)) {
		inject_stalls_meet(call->context);
		last_context = call->context;
		last_attachment = attachment;
	}
	inject_stalls_pass();
}

static void on_call(void *user, uint32_t domain, uint32_t id, const void *data)
{
	const struct cupti_callback *call = data;
	uint32_t attachment = atomic_load_explicit(&inject.attachment, memory_order_acquire);
	(void)user;
	if (!attachment)
		return;
	if (domain == CUPTI_RESOURCE && !inject.is_forked && atomic_load(&inject.has_stalls))
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
			enter(domain, id, call, attachment);
		last_correlation = call->correlation;
	} else if (is_open(attachment) && open_call.domain == domain && open_call.id == id) {
		leave(call, attachment);
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
		uint8_t kind;
		if (inject.calls.callback_name(domain, id, &name) != CUPTI_OK || !name ||
		    !is_wanted(name, &kind))
			continue;
		/* A call-back of the last attachment's may still be on its way. */
		if (call_kinds[domain][id] != kind)
			call_kinds[domain][id] = kind;
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
		inject_devices_take(inject.ring, (const void *)record);
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

static void take_records(void *context, uint32_t stream, uint8_t *buffer, size_t valid_bytes)
{
	struct cupti_record *record = NULL;
	size_t n_dropped = 0;
	int code = CUPTI_OK;
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
}

static void on_complete(void *context, uint32_t stream, uint8_t *buffer, size_t bytes,
			size_t valid_bytes)
{
	(void)bytes;
	if (atomic_load_explicit(&inject.attachment, memory_order_acquire))
		take_records(context, stream, buffer, valid_bytes);
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
	if (code != CUPTI_OK)
		inject.subscriber = NULL;
	other[sizeof other - 1] = '\0';
	return report(code, true, code == CUPTI_TAKEN && other[0] ? other : "cuptiSubscribe");
}

/* What was set in one attachment stays set; in the next it may be too late to set it. */
static bool is_set(bool *was_set, int code, bool is_fatal, const char *function)
{
	*was_set |= code == CUPTI_OK;
	return *was_set || report(code, is_fatal, function);
}

static void set_attribute(int attribute, bool *was_set)
{
	uint8_t on = 1;
	size_t bytes = sizeof on;
	if (inject.calls.set_attribute)
		is_set(was_set, inject.calls.set_attribute(attribute, &bytes, &on), false,
		       "cuptiActivitySetAttribute");
}

static bool settle(void)
{
	static struct {
		bool thread_id, clock, per_thread, zeroed, buffers;
	} was_set;
	if (inject.calls.set_thread_id)
		is_set(&was_set.thread_id, inject.calls.set_thread_id(CUPTI_THREAD_ID_SYSTEM),
		       false, "cuptiSetThreadIdType");
	/* Without it, times are of another clock than everything else. */
	if (!is_set(&was_set.clock, inject.calls.set_clock(inject_now_ns), true,
		    "cuptiActivityRegisterTimestampCallback"))
		return false;
	set_attribute(CUPTI_ATTRIBUTE_PER_THREAD_BUFFER, &was_set.per_thread);
	set_attribute(CUPTI_ATTRIBUTE_ZEROED_BUFFER, &was_set.zeroed);
	return is_set(&was_set.buffers, inject.calls.set_buffers(on_request, on_complete), true,
		      "cuptiActivityRegisterCallbacks");
}

/* Kernels last: all is lost without them. GRAPH_TRACE is not asked for: it would replace the
 * kernels of graphs by one record a graph. */
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
	{ CUPTI_CONCURRENT_KERNEL, "cuptiActivityEnable: kernels" },
};

enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static bool enable_kinds(void)
{
	bool is_enabled = false;
	for (size_t i = 0; i < N_KINDS; i++)
		is_enabled = report(inject.calls.enable(kinds[i].kind),
				    kinds[i].kind == CUPTI_CONCURRENT_KERNEL, kinds[i].name);
	return is_enabled;
}

/* Contexts and modules; where one of them stays unheard of, nothing is sampled. */
static void listen_for_stalls(void)
{
	static const uint32_t wanted[] = { CUPTI_CONTEXT_CREATED, CUPTI_CONTEXT_ENDS,
					   CUPTI_MODULE_LOADED };
	if (!inject_stalls_find(inject.ring, inject.library))
		return;
	atomic_store(&inject.has_stalls, true);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		int code = inject.calls.enable_callback(1, inject.subscriber, CUPTI_RESOURCE,
							wanted[i]);
		if (code != CUPTI_OK)
			inject_stalls_refuse(code, "cuptiEnableCallback: resources");
	}
}

static bool set_up(bool wants_stalls)
{
	if (!subscribe() || !settle() || !enable_kinds())
		return false;
	enable_callbacks(CUPTI_RUNTIME_API);
	enable_callbacks(CUPTI_DRIVER_API);
	if (wants_stalls)
		listen_for_stalls();
	if (inject.calls.flush_period)
		report(inject.calls.flush_period(FLUSH_MS), false, "cuptiActivityFlushPeriod");
	return true;
}

/* All that CUPTI still has. */
static void flush(void)
{
	if (atomic_exchange(&inject.has_stalls, false))
		inject_stalls_end();
	inject.calls.flush(CUPTI_FLUSH_FORCED);
}

/* Whatever of it fails: the program goes on, and nobody is told any more. */
static void let_go(void)
{
	atomic_store(&inject.attachment, 0);
	for (size_t i = 0; i < N_KINDS && inject.calls.disable; i++)
		inject.calls.disable(kinds[i].kind);
	if (inject.calls.flush_period)
		inject.calls.flush_period(0);
	if (inject.subscriber && inject.calls.unsubscribe)
		inject.calls.unsubscribe(inject.subscriber);
	inject.subscriber = NULL;
}

/* The program's end: CUPTI is still there, because it was opened before this was registered. */
static void at_end(void)
{
	struct timespec until;
	if (inject.is_forked || atomic_exchange(&inject.is_ending, true))
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_S;
	if (pthread_mutex_timedlock(&inject.lock, &until) != 0)
		return;
	if (atomic_load(&inject.attachment))
		flush();
	pthread_mutex_unlock(&inject.lock);
}

static void on_fork(void)
{
	inject.is_forked = true;
	inject_ring_forked(inject.ring);
	inject_listen_forked();
}

/* ---- from the first profiler to the last */

static bool find_cupti(void)
{
	if (inject.library)
		return true;
	inject.library = inject_find_cupti(inject.chosen, &inject.calls);
	if (inject.library)
		atexit(at_end);
	return inject.library ||
	       report(GPU_NO_CUPTI, true,
		      inject.chosen && *inject.chosen ? "library at STOKE_CUPTI" : "libcupti.so");
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

static void begin(bool wants_stalls)
{
	pthread_mutex_lock(&inject.lock);
	if (!atomic_load(&inject.is_ending) && find_cupti()) {
		atomic_store(&inject.attachment, inject_ring_attachment(inject.ring));
		if (set_up(wants_stalls))
			say_started();
		else
			let_go();
		if (inject.is_late)
			inject_devices_send(inject.ring);
	}
	pthread_mutex_unlock(&inject.lock);
}

/* At the program's end CUPTI is not touched any more. */
static void end(void)
{
	pthread_mutex_lock(&inject.lock);
	if (!atomic_load(&inject.is_ending) && atomic_load(&inject.attachment)) {
		flush();
		let_go();
		/* What came meanwhile is nobody's: the next profiler has not seen its launches. */
		inject.calls.flush(CUPTI_FLUSH_FORCED);
	}
	pthread_mutex_unlock(&inject.lock);
}

/* A program with more rights than its user is nobody's to listen to. */
static void wait_for_profilers(void)
{
	static const struct inject_hooks hooks = { begin, end };
	atexit(at_end);
	if (!getauxval(AT_SECURE))
		inject_listen_start(inject.ring, &hooks);
}

/* Called by the driver when the program first uses CUDA. 1 = fine; anything else is fatal there. */
__attribute__((visibility("default"))) int InitializeInjection(void);

__attribute__((visibility("default"))) int InitializeInjection(void)
{
	static atomic_flag is_begun = ATOMIC_FLAG_INIT;
	if (atomic_flag_test_and_set(&is_begun))
		return 1;
	const char *chosen = getenv("STOKE_CUPTI"), *stalls = getenv("STOKE_GPU_STALLS");
	inject.chosen = chosen ? strdup(chosen) : NULL;
	inject.ring = inject_ring_open();
	inject.is_late = inject_ring_attachment(inject.ring) == 0;
	pthread_atfork(NULL, NULL, on_fork);
	if (inject.is_late)
		wait_for_profilers();
	else
		begin(stalls && strcmp(stalls, "1") == 0);
	return 1;
}
