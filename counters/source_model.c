/*
 * What the cache model inside a program (inject_model.h) has counted: samples of accesses and
 * misses by call path and line, the same by array, and miss rates over time. All of it is
 * modelled, and says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/model_memory.h"
#include "counters/model_stacks.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"

/* Series in the order that views offer them: what all others are a part of comes first. */
struct counted {
	const char *name;
	enum model_count count;
	bool is_by_array; /* also as NAME-by-array */
};

static const struct counted counted[] = {
	{ "memory-accesses", MODEL_ACCESSES, true },
	{ "L1-misses", MODEL_MISSES, true },
	{ "L2-misses", MODEL_MISSES + 1, true },
	{ "L3-misses", MODEL_MISSES + 2, true },
	{ "L4-misses", MODEL_MISSES + 3, true },
	{ "TLB-misses", MODEL_TLB_MISSES, false },
	{ "page-walks", MODEL_WALKS, false },
	{ "false-sharing", MODEL_FALSE_SHARING, true },
	{ "true-sharing", MODEL_TRUE_SHARING, false },
};
enum { BY_PATH = 1, BY_ARRAY = 2 }; /* numbers of groups (recording.h) */
enum { N_COUNTED = sizeof counted / sizeof counted[0] };

/* Rates over time; of the accesses that reached the level. */
struct rate {
	const char *name;
	enum model_count numerator, denominator;
};

static const struct rate rates[] = {
	{ "L1 miss rate", MODEL_MISSES, MODEL_ACCESSES },
	{ "L2 miss rate", MODEL_MISSES + 1, MODEL_MISSES },
	{ "L3 miss rate", MODEL_MISSES + 2, MODEL_MISSES + 1 },
	{ "L4 miss rate", MODEL_MISSES + 3, MODEL_MISSES + 2 },
	{ "TLB miss rate", MODEL_TLB_MISSES, MODEL_ACCESSES },
	{ "page walk rate", MODEL_WALKS, MODEL_ACCESSES },
	{ "false sharing rate", MODEL_FALSE_SHARING, MODEL_ACCESSES },
};
enum { N_RATES = sizeof rates / sizeof rates[0] };

/* One process of the program; NULL stacks: it has not opened the model yet. */
struct process {
	const struct model_memory *memory;
	struct model_stacks *stacks;
	uint64_t (*before)[N_MODEL_COUNTS]; /* by site */
	bool is_over; /* nothing more comes: it has executed another program */
};

struct state {
	struct model_memory *memory;
	struct model_names *names;
	struct process processes[MODEL_PROCESSES];
	uint64_t sums[N_MODEL_COUNTS], last_sums[N_MODEL_COUNTS];
	uint64_t n_late; /* accesses whose call path or array did not become known */
	uint32_t series[N_COUNTED], array_series[N_COUNTED], rate_series[N_RATES];
	uint32_t n_levels;
	bool has_tlb, is_known;
};

static bool model_wanted(const struct target *target)
{
	return target->model_fd > 0;
}

static bool model_open(void *opaque, const struct target *target, struct recording *recording,
		       struct why *why)
{
	struct state *state = opaque;
	state->memory = model_memory_map(target->model_fd, why);
	if (!state->memory)
		return false;
	state->names = model_names_new(recording, target->sampling->no_inline);
	for (int i = 0; i < MODEL_PROCESSES; i++)
		state->processes[i].memory = &state->memory[i];
	recording_add_fact(recording, "sampling.call_graph", "instrumented");
	recording_add_fact(recording, "sampling.user_only", "yes");
	recording_add_fact(recording, "sampling.truncated", "0");
	return true;
}

/* ---- series, once the program has said which caches it has */

static uint32_t add_series(struct recording *recording, const char *name, const char *unit,
			   uint32_t flags)
{
	struct series_row row = { .name = recording_add_string(recording, name),
				  .unit = recording_add_string(recording, unit),
				  .source = recording_add_string(recording, "model"),
				  .origin = ORIGIN_MODELLED,
				  .flags = flags };
	return recording_add_series(recording, &row);
}

static bool has_count(const struct state *state, enum model_count count)
{
	if (count >= MODEL_MISSES && count < MODEL_TLB_MISSES)
		return count - MODEL_MISSES < state->n_levels;
	return state->has_tlb || (count != MODEL_TLB_MISSES && count != MODEL_WALKS);
}

static void add_all_series(struct state *state, struct recording *recording)
{
	char name[64];
	for (int i = 0; i < N_COUNTED; i++)
		if (has_count(state, counted[i].count))
			state->series[i] =
				add_series(recording, counted[i].name, "events",
					   SERIES_SAMPLES | BY_PATH << SERIES_GROUP_SHIFT);
	for (int i = 0; i < N_COUNTED; i++) {
		if (!counted[i].is_by_array || !state->series[i])
			continue;
		snprintf(name, sizeof name, "%s-by-array", counted[i].name);
		state->array_series[i] = add_series(
			recording, name, "events", SERIES_SAMPLES | BY_ARRAY << SERIES_GROUP_SHIFT);
	}
	for (int i = 0; i < N_RATES; i++)
		if (has_count(state, rates[i].numerator))
			state->rate_series[i] = add_series(recording, rates[i].name, "ratio", 0);
}

/* Without them no miss rate says anything. */
static void tell_caches(struct recording *recording, const char *caches)
{
	char text[CACHE_GEOMETRY_BYTES + 64];
	recording_add_fact(recording, MODEL_CACHES_FACT, caches);
	snprintf(text, sizeof text, "The caches and TLBs that are modelled: %s.", caches);
	recording_note(recording, SEVERITY_INFO, "model", text,
		       "--caches takes others; without it they are this machine's.");
}

/* The caches are those of the first process; what starts others passes them on. */
static bool learn_caches(struct state *state, struct recording *recording,
			 const struct model_memory *memory)
{
	char text[CACHE_GEOMETRY_BYTES], clean[CACHE_GEOMETRY_BYTES];
	struct cache_geometry geometry = { .n_levels = 0 };
	struct why why;
	if (state->is_known)
		return true;
	memcpy(text, memory->geometry, sizeof text);
	text[sizeof text - 1] = '\0';
	text_clean(clean, sizeof clean, text);
	cache_geometry_of_machine(&geometry);
	if (!cache_geometry_parse(&geometry, clean, &why))
		return false;
	state->n_levels = geometry.n_levels;
	state->has_tlb = geometry.tlb[0].n_entries > 0;
	state->is_known = true;
	add_all_series(state, recording);
	tell_caches(recording, clean);
	if (memory->is_assumed)
		recording_note(recording, SEVERITY_INFO, "model",
			       "This machine does not say how large all of its caches and TLBs "
			       "are, so the cache model has some of a common core.",
			       "Give them with --caches.");
	return true;
}

/* ---- sites */

static void add_sample(const struct state *state, struct recording *recording, uint32_t series,
		       uint32_t stack, const struct sample_row *of)
{
	struct sample_row row = *of;
	(void)state;
	row.series = (uint16_t)series;
	row.stack = stack;
	recording_add_sample(recording, &row);
}

static void take_site(struct state *state, struct recording *recording, struct process *process,
		      uint32_t site)
{
	const struct model_site *row = &process->memory->sites[site];
	uint64_t *before = process->before[site], difference[N_MODEL_COUNTS];
	bool is_changed = false;
	for (int i = 0; i < N_MODEL_COUNTS; i++) {
		difference[i] = __atomic_load_n(&row->counts[i], __ATOMIC_RELAXED) - before[i];
		is_changed |= difference[i] != 0;
	}
	uint32_t stack = is_changed ? model_stacks_of_site(process->stacks, site) : 0;
	uint32_t array =
		stack ? model_stacks_of_array(process->stacks,
					      __atomic_load_n(&row->array, __ATOMIC_RELAXED))
		      : 0;
	if (!array)
		return; /* what it is called is not known yet: the difference stays */
	struct sample_row sample = {
		.time_ns = now_ns(),
		.thread = model_stacks_thread(process->stacks, row->thread),
		.count = 1,
		.cpu = SAMPLE_CPU_UNKNOWN,
	};
	for (int i = 0; i < N_COUNTED; i++) {
		sample.weight = difference[counted[i].count];
		if (sample.weight == 0)
			continue;
		/* Nothing is left out between them: each is a sample of its own. */
		sample.count = sample.weight < UINT32_MAX ? (uint32_t)sample.weight : UINT32_MAX;
		if (state->series[i])
			add_sample(state, recording, state->series[i], stack, &sample);
		if (state->array_series[i])
			add_sample(state, recording, state->array_series[i], array, &sample);
	}
	for (int i = 0; i < N_MODEL_COUNTS; i++) {
		before[i] += difference[i];
		state->sums[i] += difference[i];
	}
}

/* Site 0: what found no room. It has a width of its own, as lost samples have. */
static void take_rest(struct state *state, struct recording *recording, struct process *process)
{
	uint64_t n = __atomic_load_n(&process->memory->sites[0].counts[MODEL_ACCESSES],
				     __ATOMIC_RELAXED);
	uint64_t more = n - process->before[0][MODEL_ACCESSES];
	if (more == 0)
		return;
	uint32_t frame = recording_add_special_frame(recording, "[lost]", 0);
	struct sample_row row = { .time_ns = now_ns(),
				  .weight = more,
				  .count = more < UINT32_MAX ? (uint32_t)more : UINT32_MAX,
				  .stack = recording_add_stack(recording, 0, frame),
				  .thread = model_stacks_thread(process->stacks, 1),
				  .series = (uint16_t)state->series[0],
				  .cpu = SAMPLE_CPU_UNKNOWN };
	recording_add_sample(recording, &row);
	process->before[0][MODEL_ACCESSES] = n;
}

static void take_sites(struct state *state, struct recording *recording, struct process *process)
{
	uint32_t n = __atomic_load_n(&process->memory->n_sites, __ATOMIC_ACQUIRE);
	n = n < MODEL_SITES ? n : MODEL_SITES;
	for (uint32_t site = 1; site < n; site++)
		take_site(state, recording, process, site);
}

/* What is left has waited for names that did not come: it keeps its counts. */
static void take_late_sites(struct state *state, struct recording *recording,
			    struct process *process)
{
	uint64_t before = state->sums[MODEL_ACCESSES];
	model_stacks_give_up(process->stacks);
	take_sites(state, recording, process);
	state->n_late += state->sums[MODEL_ACCESSES] - before;
}

/* is_last: of this process. Names bring new frames, which have no names yet: who allocated an
 * array, then who called the allocator. What comes later takes the next drain; at the end there is
 * none. */
static void take_process(struct state *state, struct recording *recording, struct process *process,
			 bool is_last)
{
	uint64_t n_frames;
	if (process->is_over)
		return;
	do {
		n_frames = recording->tables[TABLE_FRAMES].n_rows;
		if (!model_stacks_update(process->stacks, is_last))
			return;
		model_names_resolve(state->names, is_last);
		take_sites(state, recording, process);
	} while (is_last && recording->tables[TABLE_FRAMES].n_rows > n_frames);
	if (is_last)
		take_late_sites(state, recording, process);
	take_rest(state, recording, process);
}

/* A process that executes another program keeps its number: what it was before ends here. */
static void end_older(struct state *state, struct recording *recording, const struct process *newer)
{
	for (struct process *older = state->processes; older < newer; older++) {
		if (!older->stacks || older->is_over ||
		    model_stacks_pid(older->stacks) !=
			    __atomic_load_n(&newer->memory->pid, __ATOMIC_ACQUIRE))
			continue;
		take_process(state, recording, older, true);
		older->is_over = true;
	}
}

/* False until the process has opened the model. */
static bool look_at_process(struct state *state, struct recording *recording,
			    struct process *process)
{
	if (process->stacks)
		return true;
	if (!__atomic_load_n(&process->memory->is_open, __ATOMIC_ACQUIRE) ||
	    !learn_caches(state, recording, process->memory))
		return false;
	end_older(state, recording, process);
	process->stacks = model_stacks_new(state->names, process->memory);
	process->before = allocate(MODEL_SITES, sizeof *process->before);
	return true;
}

static void add_rates(struct state *state, struct recording *recording)
{
	uint64_t now = now_ns();
	for (int i = 0; i < N_RATES; i++) {
		uint64_t of =
			state->sums[rates[i].denominator] - state->last_sums[rates[i].denominator];
		uint64_t n = state->sums[rates[i].numerator] - state->last_sums[rates[i].numerator];
		if (!state->rate_series[i] || of == 0)
			continue;
		struct reading_row row = { .time_ns = now,
					   .value = (double)n / (double)of,
					   .series = state->rate_series[i],
					   .running_ratio = 1,
					   .origin = ORIGIN_MODELLED };
		recording_add_reading(recording, &row);
	}
	memcpy(state->last_sums, state->sums, sizeof state->sums);
}

/* ---- the end */

static void note_problem(const struct state *state, struct recording *recording)
{
	char raw[256] = "", text[300], clean[256];
	for (int i = 0; i < MODEL_PROCESSES && !raw[0]; i++)
		memcpy(raw, state->memory[i].problem, sizeof raw);
	raw[sizeof raw - 1] = '\0';
	if (raw[0]) {
		snprintf(text, sizeof text, "Nothing is modelled: %s",
			 text_clean(clean, sizeof clean, raw));
		recording_note(recording, SEVERITY_ERROR, "model", text, "");
	} else {
		recording_note(recording, SEVERITY_ERROR, "model",
			       "Nothing is modelled: the program was not compiled for the cache "
			       "model, or is linked with the library of another stoke.",
			       "Compile it with -g -fsanitize=thread, and link it, without that, "
			       "with -lstoke-model; `stoke help run` says how.");
	}
}

/* What the processes say of themselves. */
struct said {
	uint64_t n, n_lost, n_unseen;
	bool has_vectors; /* all of them */
	bool has_clang;   /* any */
};

static struct said ask_processes(const struct state *state)
{
	struct said said = { .has_vectors = true };
	for (int i = 0; i < MODEL_PROCESSES; i++) {
		const struct model_memory *memory = &state->memory[i];
		if (!state->processes[i].stacks)
			continue;
		said.n++;
		said.n_lost += memory->sites[0].counts[MODEL_ACCESSES];
		said.n_unseen += memory->n_unseen;
		said.has_vectors &= memory->has_vectors != 0;
		said.has_clang |= memory->has_clang != 0;
	}
	return said;
}

/* Code without a name, and accesses to arrays that would be called by it. */
static void note_late(const struct state *state, struct recording *recording)
{
	char text[320];
	uint64_t n = model_names_end(state->names);
	if (n == 0 && state->n_late == 0)
		return;
	snprintf(text, sizeof text,
		 "%llu of the program's addresses had no name 5 s after its end, and %llu accesses "
		 "no call path or array; their counts are all there, under " MODEL_LATE ".",
		 (unsigned long long)n, (unsigned long long)state->n_late);
	recording_note(recording, SEVERITY_WARNING, "model", text,
		       "Record again with --no-inline, which looks up functions only, or with less "
		       "debug information (-g1).");
}

/* What the compilers leave out (GCC 12, Clang 14: accesses of 32 and 64 bytes). */
static void note_unreported(const struct said *said, struct recording *recording)
{
	if (!said->has_vectors)
		recording_note(
			recording, SEVERITY_INFO, "model",
			"Vector loads and stores with masks, gathers, stores past the caches and "
			"prefetches are not seen if there are any: the compiler does not report "
			"them.",
			"Compile code that includes immintrin.h with -I to stoke's model folder; "
			"`stoke help run` says how.");
	if (said->has_clang)
		recording_note(recording, SEVERITY_INFO, "model",
			       "Clang compiled some of it, which does not report vector loads and "
			       "stores of more than 16 bytes: they are not seen if there are any.",
			       "Compile it with -fno-vectorize -fno-slp-vectorize too, so that it "
			       "makes none by itself, or with GCC.");
}

static void note_end(const struct state *state, struct recording *recording)
{
	struct said said = ask_processes(state);
	char text[32];
	if (said.n == 0) {
		note_problem(state, recording);
		return;
	}
	recording_note(recording, SEVERITY_INFO, "model",
		       "Misses are modelled, for code that was compiled for it: not for libraries, "
		       "the kernel, instructions being fetched, or variables that nothing has the "
		       "address of. The program's times are those of the model.",
		       "");
	note_unreported(&said, recording);
	recording_note_count(recording, SEVERITY_WARNING, "model", said.n_lost,
			     "accesses found no room in the model's tables; they are [lost].",
			     "Model a smaller part of the program.");
	recording_note_count(recording, SEVERITY_INFO, "model", said.n_unseen,
			     "accesses in handlers of signals were left out.", "");
	recording_note_count(
		recording, SEVERITY_INFO, "model", said.n > 1 ? said.n : 0,
		"programs ran, one after the other or at once: each has caches of its own, "
		"which begin empty.",
		"");
	recording_note_count(recording, SEVERITY_WARNING, "model", state->memory->n_refused,
			     "further processes were not modelled: there is room for 32.",
			     "Model fewer processes.");
	note_late(state, recording);
	snprintf(text, sizeof text, "%llu", (unsigned long long)said.n_lost);
	recording_add_fact(recording, "sampling.lost", text);
}

static void model_drain(void *opaque, struct recording *recording, bool is_last)
{
	struct state *state = opaque;
	for (int i = 0; i < MODEL_PROCESSES; i++)
		if (look_at_process(state, recording, &state->processes[i]))
			take_process(state, recording, &state->processes[i], is_last);
	add_rates(state, recording);
	if (is_last)
		note_end(state, recording);
}

static void model_close(void *opaque)
{
	struct state *state = opaque;
	for (int i = 0; i < MODEL_PROCESSES; i++) {
		model_stacks_free(state->processes[i].stacks);
		free(state->processes[i].before);
	}
	model_names_free(state->names);
	model_memory_unmap(state->memory);
}

const struct source source_model = {
	.name = "model",
	.summary = "cache and TLB misses of a program compiled for the cache model (--model)",
	.state_bytes = sizeof(struct state),
	.interval_ns = 100 * 1000 * 1000,
	.wanted = model_wanted,
	.open = model_open,
	.drain = model_drain,
	.close = model_close,
};
