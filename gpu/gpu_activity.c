/*
 * CUPTI gives records of finished buffers, in no order, some 100 ms late; launches come at once
 * but through the same ring, so either may be first. Holding each record for two of CUPTI's flush
 * periods puts both right.
 */
#include "gpu/gpu_activity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/gpu_idle.h"
#include "gpu/gpu_phases.h"
#include "gpu/gpu_stalls.h"
#include "gpu/gpu_tables.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/hash_map.h"
#include "sampler/recording.h"

enum {
	MOST_HELD = 1 << 20, /* then all is written at once, joined or not */
	N_SEEN = 1 << 16,    /* duplicates are looked for among the latest so many */
	MOST_LAUNCH_SHAPES = 4096,
	MOST_EXTERNALS = 1 << 16, /* that are told apart: 1 MiB of text */
};

static const uint64_t HOLD_NS = 250 * 1000 * 1000;
/* No kernel runs for a day; a longer one is a broken record. */
static const uint64_t MOST_NS = 86400ull * 1000 * 1000 * 1000;

struct activity {
	uint64_t arrival_ns, start_ns, end_ns, bytes, name;
	uint32_t type, pid, correlation, device, context, stream, graph, kind;
	uint32_t n_blocks, block_threads, shape; /* strings id of the kernel's shape; 0 = none */
};

struct gpu_activities {
	struct recording *recording;
	struct gpu_tables *tables;
	struct gpu_idle *idle;
	const struct gpu_phases *phases;
	struct gpu_stalls *stalls;
	struct activity *held;
	uint32_t n_held, capacity;
	uint64_t seen[N_SEEN];
	struct hash_map series, shapes; /* lanes; kernel and shape already in the facts */
	uint32_t time_series, n_shapes, n_externals;
	struct gpu_counts counts;
};

struct gpu_activities *gpu_activities_new(struct recording *recording, struct gpu_tables *tables,
					  struct gpu_idle *idle, const struct gpu_phases *phases,
					  struct gpu_stalls *stalls)
{
	struct gpu_activities *activities = allocate(1, sizeof *activities);
	activities->recording = recording;
	activities->tables = tables;
	activities->idle = idle;
	activities->phases = phases;
	activities->stalls = stalls;
	return activities;
}

void gpu_activities_free(struct gpu_activities *activities)
{
	if (!activities)
		return;
	free(activities->held);
	hash_map_free(&activities->series);
	hash_map_free(&activities->shapes);
	free(activities);
}

struct gpu_counts gpu_activities_counts(const struct gpu_activities *activities)
{
	return activities->counts;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15; /* 2^64 / golden ratio */
	return hash ^ hash >> 29;
}

/* The same work reported twice; a graph launches many kernels under one number. */
static bool is_duplicate(struct gpu_activities *activities, const struct activity *activity,
			 uint64_t graph_node)
{
	uint64_t hash = mix(mix(activity->type, activity->pid), activity->correlation);
	hash = mix(mix(mix(hash, activity->start_ns), activity->end_ns), graph_node);
	hash = mix(mix(hash, activity->stream), activity->device);
	uint64_t *seen = &activities->seen[hash % N_SEEN];
	if (*seen == hash && hash)
		return true;
	*seen = hash;
	return false;
}

/* What the kernel table is computed from; see tui/view_gpu.c. */
static uint32_t shape_of(struct gpu_activities *activities, const struct gpu_kernel *kernel)
{
	char text[192];
	snprintf(text, sizeof text,
		 "device %u grid %u %u %u block %u %u %u registers %u shared %u %u local %u",
		 kernel->device, kernel->grid[0], kernel->grid[1], kernel->grid[2],
		 kernel->block[0], kernel->block[1], kernel->block[2], kernel->registers,
		 kernel->shared_static_bytes, kernel->shared_dynamic_bytes, kernel->local_bytes);
	return recording_add_string(activities->recording, text);
}

static struct activity from_kernel(struct gpu_activities *activities,
				   const struct gpu_kernel *kernel)
{
	return (struct activity){
		.start_ns = kernel->start_ns,
		.end_ns = kernel->end_ns,
		.name = kernel->name,
		.correlation = kernel->correlation,
		.device = kernel->device,
		.context = kernel->context,
		.stream = kernel->stream,
		.graph = kernel->graph,
		.shape = activities->n_shapes < MOST_LAUNCH_SHAPES ? shape_of(activities, kernel)
								   : 0,
	};
}

static struct activity from_copy(const struct gpu_copy *copy)
{
	return (struct activity){
		.start_ns = copy->start_ns,
		.end_ns = copy->end_ns,
		.bytes = copy->bytes,
		.correlation = copy->correlation,
		.device = copy->device,
		.context = copy->context,
		.stream = copy->stream,
		.graph = copy->graph,
		.kind = copy->kind,
	};
}

static void hold(struct gpu_activities *activities, const struct activity *activity)
{
	if (activities->n_held == MOST_HELD)
		gpu_activities_emit(activities, activity->arrival_ns, true);
	if (activities->n_held == activities->capacity) {
		activities->capacity = activities->capacity ? activities->capacity * 2 : 1024;
		activities->held = reallocate(activities->held, activities->capacity,
					      sizeof *activities->held);
	}
	activities->held[activities->n_held++] = *activity;
}

void gpu_activities_add(struct gpu_activities *activities, const struct shared_record *record)
{
	struct activity activity;
	uint64_t graph_node;
	if (record->type == GPU_KERNEL) {
		struct gpu_kernel kernel;
		memcpy(&kernel, record->payload, sizeof kernel);
		activity = from_kernel(activities, &kernel);
		graph_node = kernel.graph_node;
	} else {
		struct gpu_copy copy;
		memcpy(&copy, record->payload, sizeof copy);
		activity = from_copy(&copy);
		graph_node = copy.graph_node;
	}
	activity.type = record->type;
	activity.pid = record->pid;
	activity.arrival_ns = record->time_ns;
	/* 0 is CUPTI's word for "not known". */
	if (activity.start_ns == 0 || activity.end_ns < activity.start_ns ||
	    activity.end_ns - activity.start_ns > MOST_NS)
		activities->counts.n_malformed++;
	else if (is_duplicate(activities, &activity, graph_node))
		activities->counts.n_duplicates++;
	else
		hold(activities, &activity);
}

static const char *copy_name(uint32_t kind)
{
	/* CUpti_ActivityMemcpyKind */
	static const char *const names[] = { "copy",
					     "copy host to device",
					     "copy device to host",
					     "copy host to array",
					     "copy array to host",
					     "copy array to array",
					     "copy array to device",
					     "copy device to array",
					     "copy device to device",
					     "copy host to host",
					     "copy device to other device" };
	return kind < sizeof names / sizeof names[0] ? names[kind] : names[0];
}

static const char *sync_name(uint32_t kind)
{
	/* CUpti_ActivitySynchronizationType */
	static const char *const names[] = { "wait", "wait for event", "stream waits for event",
					     "wait for stream", "wait for context" };
	return kind < sizeof names / sizeof names[0] ? names[kind] : names[0];
}

static uint32_t name_of(struct gpu_activities *activities, const struct activity *activity)
{
	struct recording *recording = activities->recording;
	uint32_t name;
	switch (activity->type) {
	case GPU_KERNEL:
		name = gpu_tables_name(activities->tables, activity->pid, activity->name);
		return name ? name : recording_add_string(recording, "[kernel without name]");
	case GPU_COPY:
		return recording_add_string(recording, copy_name(activity->kind));
	case GPU_FILL:
		return recording_add_string(recording, "fill");
	case GPU_SYNC:
		return recording_add_string(recording, sync_name(activity->kind));
	default:
		return recording_add_string(recording, "profiling overhead");
	}
}

/* Waits and overhead are the host's time; they get lanes of their own. */
static bool is_of_device(const struct activity *activity)
{
	return activity->type == GPU_KERNEL || activity->type == GPU_COPY ||
	       activity->type == GPU_FILL;
}

static void name_lane(const struct activity *activity, char *out, size_t bytes)
{
	if (activity->type == GPU_SYNC)
		snprintf(out, bytes, "waits");
	else if (activity->type == GPU_OVERHEAD)
		snprintf(out, bytes, "profiling overhead");
	else if (activity->context > 1)
		snprintf(out, bytes, "context %u stream %u", activity->context, activity->stream);
	else
		snprintf(out, bytes, "stream %u", activity->stream);
}

static uint32_t lane_of(struct gpu_activities *activities, const struct activity *activity)
{
	bool is_device = is_of_device(activity);
	uint64_t key =
		mix(is_device ? GPU_KERNEL : activity->type, is_device ? activity->device : 0);
	key = mix(mix(key, is_device ? activity->context : 0), is_device ? activity->stream : 0);
	uint32_t *series = hash_map_at(&activities->series, key ? key : 1);
	if (*series)
		return *series;
	char name[64], device[32];
	name_lane(activity, name, sizeof name);
	snprintf(device, sizeof device, "GPU %u", activity->device);
	struct series_row row = {
		.name = recording_add_string(activities->recording, name),
		.unit = recording_add_string(activities->recording, "ns"),
		.source = recording_add_string(activities->recording, "cupti"),
		.device = is_device ? recording_add_string(activities->recording, device) : 0,
		.origin = is_device ? ORIGIN_MEASURED : ORIGIN_SOFTWARE,
		.flags = SERIES_SPANS,
	};
	return *series = recording_add_series(activities->recording, &row);
}

/* Launching stack with its ranges and phases, then the graph if there is one, then what ran. */
static uint32_t stack_of(struct gpu_activities *activities, const struct activity *activity,
			 const struct gpu_call *call, uint32_t name)
{
	struct recording *recording = activities->recording;
	uint32_t stack = call ? gpu_tables_stack(activities->tables, call) : 0;
	if (stack) {
		activities->counts.n_matched++;
		stack = gpu_phases_stack(activities->phases, stack, call->pid, call->tid,
					 call->start_ns);
	} else {
		activities->counts.n_unmatched++;
		stack = recording_add_stack(
			recording, 0, recording_add_special_frame(recording, "[unmatched gpu]", 0));
	}
	if (activity->graph) {
		char text[32];
		snprintf(text, sizeof text, "[graph %u]", activity->graph);
		stack = recording_add_stack(recording, stack,
					    recording_add_special_frame(recording, text, 0));
	}
	return recording_add_stack(recording, stack, gpu_tables_frame(activities->tables, name));
}

static void add_shape(struct gpu_activities *activities, const struct activity *activity,
		      uint32_t name)
{
	uint64_t key = mix(mix(1, name), activity->shape);
	if (!activity->shape || activities->n_shapes >= MOST_LAUNCH_SHAPES)
		return;
	uint32_t *known = hash_map_at(&activities->shapes, key ? key : 1);
	if (*known)
		return;
	*known = 1;
	activities->n_shapes++;
	char key_text[GPU_MOST_TEXT_BYTES + 16];
	snprintf(key_text, sizeof key_text, "gpu.kernel.%s",
		 recording_string_at(activities->recording, name));
	recording_add_fact(activities->recording, key_text,
			   recording_string_at(activities->recording, activity->shape));
}

static void add_time(struct gpu_activities *activities, const struct activity *activity,
		     uint32_t stack, uint32_t thread)
{
	struct recording *recording = activities->recording;
	if (!activities->time_series) {
		struct series_row row = { .name = recording_add_string(recording, "gpu-time"),
					  .unit = recording_add_string(recording, "ns"),
					  .source = recording_add_string(recording, "cupti"),
					  .origin = ORIGIN_MEASURED,
					  .flags = SERIES_SAMPLES | SERIES_VALUES };
		activities->time_series = recording_add_series(recording, &row);
	}
	struct sample_row row = { .time_ns = activity->start_ns,
				  .weight = activity->end_ns - activity->start_ns,
				  .stack = stack,
				  .thread = thread,
				  .count = 1,
				  .series = (uint16_t)activities->time_series,
				  .cpu = SAMPLE_CPU_UNKNOWN };
	recording_add_sample(recording, &row);
}

/* CUpti_ExternalCorrelationKind */
static const char *external_name(uint32_t kind)
{
	static const char *const names[] = {
		"external ids",   "external ids",   "external ids of OpenACC",
		"external ids 0", "external ids 1", "external ids 2"
	};
	return names[kind < sizeof names / sizeof names[0] ? kind : 0];
}

/* The same time once more in a lane of the numbers that the program gave its work, so that it can
 * be found by them. */
static void add_external(struct gpu_activities *activities, const struct span_row *span,
			 const struct gpu_call *call)
{
	struct recording *recording = activities->recording;
	char id[24] = "[more]";
	if (activities->n_externals++ < MOST_EXTERNALS)
		snprintf(id, sizeof id, "%llu", (unsigned long long)call->external_id);
	struct series_row series = {
		.name = recording_add_string(recording, external_name(call->external_kind)),
		.unit = recording_add_string(recording, "ns"),
		.source = recording_add_string(recording, "cupti"),
		.origin = ORIGIN_MEASURED,
		.flags = SERIES_SPANS,
	};
	struct span_row row = *span;
	row.series = recording_add_series(recording, &series);
	row.name = recording_add_string(recording, id);
	row.bytes = NAN;
	recording_add_span(recording, &row);
}

static void emit(struct gpu_activities *activities, const struct activity *activity)
{
	const struct gpu_call *call =
		gpu_tables_launch(activities->tables, activity->pid, activity->correlation);
	uint32_t name = name_of(activities, activity);
	uint32_t thread = gpu_tables_thread(activities->tables, activity->pid,
					    call ? call->tid : activity->pid);
	struct span_row row = {
		.start_ns = activity->start_ns,
		.duration_ns = activity->end_ns - activity->start_ns,
		.flops = NAN,
		.bytes = activity->type == GPU_COPY || activity->type == GPU_FILL
				 ? (double)activity->bytes
				 : NAN,
		.items = NAN,
		.series = lane_of(activities, activity),
		.name = name,
		.thread = thread,
		/* Two clocks, CUPTI's and ours: an effect is not before its cause. */
		.launch_ns = call && call->start_ns <= activity->start_ns ? call->start_ns : 0,
		.launch_duration_ns = call ? call->duration_ns : 0,
	};
	if (is_of_device(activity)) {
		if (call)
			gpu_tables_mark(activities->tables, call);
		row.stack = stack_of(activities, activity, call, name);
		if (activity->type == GPU_KERNEL)
			gpu_stalls_add_kernel(activities->stalls, activity->pid, name, row.stack,
					      thread);
		add_shape(activities, activity, name);
		add_time(activities, activity, row.stack, thread);
		gpu_idle_add_work(activities->idle, activity->device, call, activity->start_ns,
				  activity->end_ns);
	} else if (call) {
		row.stack = gpu_tables_stack(activities->tables, call);
	}
	recording_add_span(activities->recording, &row);
	if (call && call->external_kind && is_of_device(activity))
		add_external(activities, &row, call);
	activities->counts.n_spans++;
}

static int by_start(const void *a, const void *b)
{
	const struct activity *left = a, *right = b;
	if (left->start_ns != right->start_ns)
		return left->start_ns < right->start_ns ? -1 : 1;
	return left->end_ns < right->end_ns ? -1 : left->end_ns > right->end_ns;
}

void gpu_activities_emit(struct gpu_activities *activities, uint64_t now, bool is_last)
{
	uint32_t n_kept = 0, n_due = 0;
	/* Those that stay are moved behind those that go. */
	for (uint32_t i = 0; i < activities->n_held; i++) {
		struct activity *activity = &activities->held[i];
		if (!is_last && activity->arrival_ns + HOLD_NS > now)
			continue;
		struct activity due = *activity;
		*activity = activities->held[n_due];
		activities->held[n_due++] = due;
	}
	if (n_due)
		qsort(activities->held, n_due, sizeof *activities->held, by_start);
	for (uint32_t i = 0; i < n_due; i++)
		emit(activities, &activities->held[i]);
	n_kept = activities->n_held - n_due;
	if (n_due)
		memmove(activities->held, activities->held + n_due,
			n_kept * sizeof *activities->held);
	activities->n_held = n_kept;
}
