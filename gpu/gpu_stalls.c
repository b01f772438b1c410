/*
 * A kernel's record comes when it has ended, its samples while it still runs: they are held until
 * it is known where it was launched, or until the end.
 */
#include "gpu/gpu_stalls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/cupti_codes.h"
#include "gpu/gpu_tables.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/hash_map.h"
#include "sampler/recording.h"

enum {
	MOST_HELD = 1 << 18,    /* then all is written at once, placed or not: 10 MiB */
	MOST_KERNELS = 1 << 16, /* names of all processes */
};

/* Records of kernels come up to 250 ms late (gpu_activity.c), and as much later as they are held.
 */
static const uint64_t HOLD_NS = 500 * 1000 * 1000;

struct held {
	uint64_t arrival_ns;
	uint32_t pid, function, file, line, reason; /* strings; 0 = not known */
	uint32_t n_samples;
};

struct kernel {
	uint32_t stack, thread; /* stack: of several, what their launches have in common */
	bool has_several;
};

struct gpu_stalls {
	struct recording *recording;
	struct gpu_tables *tables;
	struct held *held;
	uint32_t n_held, capacity;
	struct hash_map kernels; /* of process and name, to index + 1 */
	struct kernel *rows;
	uint32_t n_kernels, kernels_capacity;
	uint32_t series;
	uint64_t n_samples, n_dropped, n_foreign;
	bool is_on, is_full, is_refused;
};

struct gpu_stalls *gpu_stalls_new(struct recording *recording, struct gpu_tables *tables)
{
	struct gpu_stalls *stalls = allocate(1, sizeof *stalls);
	stalls->recording = recording;
	stalls->tables = tables;
	return stalls;
}

void gpu_stalls_free(struct gpu_stalls *stalls)
{
	if (!stalls)
		return;
	hash_map_free(&stalls->kernels);
	free(stalls->rows);
	free(stalls->held);
	free(stalls);
}

/* ---- kernels */

static uint64_t key_of(uint32_t pid, uint32_t name)
{
	return ((uint64_t)pid << 32 | name) + 1;
}

static uint32_t parent_of(const struct gpu_stalls *stalls, uint32_t stack)
{
	return recording_stack(stalls->recording, stack)->parent;
}

/* Parents are older than their children. */
static uint32_t in_common(const struct gpu_stalls *stalls, uint32_t a, uint32_t b)
{
	while (a != b) {
		uint32_t *younger = a > b ? &a : &b;
		*younger = parent_of(stalls, *younger);
	}
	return a;
}

static void add_place(const struct gpu_stalls *stalls, struct kernel *kernel, uint32_t stack)
{
	if (!kernel->has_several && kernel->stack == stack)
		return;
	uint32_t known = kernel->has_several ? kernel->stack : parent_of(stalls, kernel->stack);
	kernel->stack = in_common(stalls, known, parent_of(stalls, stack));
	kernel->has_several = true;
}

void gpu_stalls_add_kernel(struct gpu_stalls *stalls, uint32_t pid, uint32_t name, uint32_t stack,
			   uint32_t thread)
{
	if (!stalls->is_on)
		return;
	uint32_t *at = hash_map_at(&stalls->kernels, key_of(pid, name));
	if (*at) {
		add_place(stalls, &stalls->rows[*at - 1], stack);
		return;
	}
	if (stalls->n_kernels == MOST_KERNELS)
		return;
	if (stalls->n_kernels == stalls->kernels_capacity) {
		stalls->kernels_capacity =
			stalls->kernels_capacity ? stalls->kernels_capacity * 2 : 64;
		stalls->rows =
			reallocate(stalls->rows, stalls->kernels_capacity, sizeof *stalls->rows);
	}
	stalls->rows[stalls->n_kernels] = (struct kernel){ .stack = stack, .thread = thread };
	*at = ++stalls->n_kernels;
}

static const struct kernel *find_kernel(const struct gpu_stalls *stalls, const struct held *held)
{
	uint32_t at = hash_map_get(&stalls->kernels, key_of(held->pid, held->function));
	return at ? &stalls->rows[at - 1] : NULL;
}

/* ---- stacks */

static uint32_t below(struct gpu_stalls *stalls, uint32_t stack, const char *name)
{
	return recording_add_stack(
		stalls->recording, stack,
		gpu_tables_frame(stalls->tables, recording_add_string(stalls->recording, name)));
}

static uint32_t kernel_stack(struct gpu_stalls *stalls, const struct held *held,
			     const struct kernel *kernel)
{
	if (kernel && !kernel->has_several)
		return kernel->stack;
	uint32_t root = recording_add_special_frame(
		stalls->recording, kernel ? "[launched in several places]" : "[unmatched gpu]", 0);
	uint32_t stack = recording_add_stack(stalls->recording, kernel ? kernel->stack : 0, root);
	if (!held->function)
		return below(stalls, stack, "[kernel without name]");
	return recording_add_stack(stalls->recording, stack,
				   gpu_tables_frame(stalls->tables, held->function));
}

/* "gemm.cu:57": the folder is long, and the same for nearly all. */
static uint32_t line_stack(struct gpu_stalls *stalls, const struct held *held, uint32_t stack)
{
	char text[256];
	if (!held->file || !held->line)
		return recording_add_stack(
			stalls->recording, stack,
			recording_add_special_frame(
				stalls->recording,
				"[unknown: no -lineinfo, or loaded before stoke came]", 0));
	const char *path = recording_string_at(stalls->recording, held->file);
	const char *name = strrchr(path, '/');
	snprintf(text, sizeof text, "%.200s:%u", name ? name + 1 : path, held->line);
	return below(stalls, stack, text);
}

/* "selected": the warp was the one that issued: work, and no stall. */
static uint32_t reason_stack(struct gpu_stalls *stalls, const struct held *held, uint32_t stack)
{
	char text[128];
	const char *reason = recording_string_at(stalls->recording, held->reason);
	if (strcmp(reason, "selected") == 0)
		return below(stalls, stack, "issuing");
	snprintf(text, sizeof text, "stall: %.100s", reason[0] ? reason : "?");
	return below(stalls, stack, text);
}

static uint32_t series_of(struct gpu_stalls *stalls)
{
	if (!stalls->series) {
		struct series_row row = {
			.name = recording_add_string(stalls->recording, "gpu-stalls"),
			.unit = recording_add_string(stalls->recording, "samples"),
			.source = recording_add_string(stalls->recording, "cupti"),
			.origin = ORIGIN_MEASURED,
			.flags = SERIES_SAMPLES,
		};
		stalls->series = recording_add_series(stalls->recording, &row);
	}
	return stalls->series;
}

static void emit(struct gpu_stalls *stalls, const struct held *held)
{
	const struct kernel *kernel = find_kernel(stalls, held);
	uint32_t stack = kernel_stack(stalls, held, kernel);
	struct sample_row row = {
		.time_ns = held->arrival_ns,
		.weight = held->n_samples,
		.stack = reason_stack(stalls, held, line_stack(stalls, held, stack)),
		.thread = kernel ? kernel->thread
				 : gpu_tables_thread(stalls->tables, held->pid, held->pid),
		.count = held->n_samples,
		.series = (uint16_t)series_of(stalls),
		.cpu = SAMPLE_CPU_UNKNOWN,
	};
	recording_add_sample(stalls->recording, &row);
}

/* ---- what comes in */

static void emit_all(struct gpu_stalls *stalls)
{
	for (uint32_t i = 0; i < stalls->n_held; i++)
		emit(stalls, &stalls->held[i]);
	stalls->n_held = 0;
}

static void hold(struct gpu_stalls *stalls, const struct held *held)
{
	if (stalls->n_held == MOST_HELD)
		emit_all(stalls);
	if (stalls->n_held == stalls->capacity) {
		stalls->capacity = stalls->capacity ? stalls->capacity * 2 : 256;
		stalls->held = reallocate(stalls->held, stalls->capacity, sizeof *stalls->held);
	}
	stalls->held[stalls->n_held++] = *held;
}

bool gpu_stalls_add(struct gpu_stalls *stalls, const struct shared_record *record)
{
	struct gpu_stall_line line;
	memcpy(&line, record->payload, sizeof line);
	if (line.n > GPU_STALL_REASONS)
		return false;
	stalls->is_on = true;
	struct held held = {
		.arrival_ns = record->time_ns,
		.pid = record->pid,
		.function = gpu_tables_name(stalls->tables, record->pid, line.function),
		.file = gpu_tables_name(stalls->tables, record->pid, line.file),
		.line = line.line,
	};
	for (uint32_t i = 0; i < line.n; i++) {
		held.reason = gpu_tables_name(stalls->tables, record->pid, line.reasons[i]);
		held.n_samples = line.n_samples[i];
		if (held.n_samples)
			hold(stalls, &held);
	}
	return true;
}

void gpu_stalls_count(struct gpu_stalls *stalls, const struct gpu_stall_count *count)
{
	char text[128] = "sampled, at a pace of CUPTI's own";
	if (count->is_on && count->period && count->period < 64)
		snprintf(text, sizeof text, "sampled every %llu cycles of each multiprocessor",
			 1ull << count->period);
	if (count->is_on && !stalls->is_on)
		recording_add_fact(stalls->recording, "gpu.stalls", text);
	stalls->is_on |= count->is_on != 0;
	stalls->is_full |= count->is_full != 0;
	stalls->n_samples += count->n_samples;
	stalls->n_dropped += count->n_dropped;
	stalls->n_foreign += count->n_foreign;
}

void gpu_stalls_refused(struct gpu_stalls *stalls, const struct gpu_problem *problem)
{
	char text[256], clean[GPU_TEXT_BYTES], raw[GPU_TEXT_BYTES];
	memcpy(raw, problem->text, sizeof raw);
	raw[sizeof raw - 1] = '\0';
	text_clean(clean, sizeof clean, raw);
	const char *extent = stalls->n_samples ? "sampled in part" : "not sampled";
	if (problem->code == GPU_NO_FUNCTION)
		snprintf(text, sizeof text,
			 "What GPU kernels wait for is %s: the program's libcupti has no %s.",
			 extent, clean);
	else
		snprintf(text, sizeof text,
			 "What GPU kernels wait for is %s: %s failed with code %u.", extent, clean,
			 problem->code);
	if (!stalls->is_refused && !stalls->is_on)
		recording_add_fact(stalls->recording, "gpu.stalls", text);
	stalls->is_refused = true;
	recording_note(stalls->recording, SEVERITY_WARNING, "cupti-stalls", text,
		       cupti_stalls_remedy(problem->code));
}

/* ---- the end */

static void note_end(struct gpu_stalls *stalls, const struct gpu_stalls_end *end)
{
	if (end->has_gpu && !end->is_asked)
		recording_add_fact(stalls->recording, "gpu.stalls",
				   "not sampled; --gpu-stalls does, line by line.");
	else if (end->has_gpu && !stalls->is_on && !stalls->is_refused)
		recording_add_fact(stalls->recording, "gpu.stalls",
				   "not sampled: the program made no context of CUDA's.");
	recording_note_count(stalls->recording, SEVERITY_WARNING, "cupti-stalls", stalls->n_dropped,
			     "samples of what kernels wait for were dropped by the GPU.", "");
	if (stalls->is_full)
		recording_note(stalls->recording, SEVERITY_WARNING, "cupti-stalls",
			       "Samples of what kernels wait for were lost: the program calls CUDA "
			       "too rarely for them to be read in time.",
			       "Launch shorter kernels while they are sampled.");
	recording_note_count(
		stalls->recording, SEVERITY_WARNING, "cupti-stalls", stalls->n_foreign,
		"samples were in kernels that are not the program's own; they are left out.", "");
}

/* Those that wait for their kernel are moved to the front. */
void gpu_stalls_emit(struct gpu_stalls *stalls, uint64_t now, const struct gpu_stalls_end *end)
{
	uint32_t n_kept = 0;
	for (uint32_t i = 0; i < stalls->n_held; i++) {
		const struct held *held = &stalls->held[i];
		bool is_due = held->arrival_ns + HOLD_NS <= now && find_kernel(stalls, held);
		if (is_due || end->is_last)
			emit(stalls, held);
		else
			stalls->held[n_kept++] = *held;
	}
	stalls->n_held = n_kept;
	if (end->is_last)
		note_end(stalls, end);
}
