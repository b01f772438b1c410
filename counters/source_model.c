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

struct state {
	struct model_memory *memory;
	struct model_stacks *stacks;
	uint64_t (*before)[N_MODEL_COUNTS]; /* by site */
	uint64_t sums[N_MODEL_COUNTS], last_sums[N_MODEL_COUNTS];
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
	state->stacks = model_stacks_new(state->memory, recording, target->sampling->no_inline);
	state->before = allocate(MODEL_SITES, sizeof *state->before);
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
				add_series(recording, counted[i].name, "events", SERIES_SAMPLES);
	for (int i = 0; i < N_COUNTED; i++) {
		if (!counted[i].is_by_array || !state->series[i])
			continue;
		snprintf(name, sizeof name, "%s-by-array", counted[i].name);
		state->array_series[i] = add_series(recording, name, "events", SERIES_SAMPLES);
	}
	for (int i = 0; i < N_RATES; i++)
		if (has_count(state, rates[i].numerator))
			state->rate_series[i] = add_series(recording, rates[i].name, "ratio", 0);
}

/* False until the program has opened the model. */
static bool look_at_program(struct state *state, struct recording *recording)
{
	char text[CACHE_GEOMETRY_BYTES], clean[CACHE_GEOMETRY_BYTES];
	struct cache_geometry geometry = { .n_levels = 0 };
	struct why why;
	if (state->is_known || !__atomic_load_n(&state->memory->is_open, __ATOMIC_ACQUIRE))
		return state->is_known;
	memcpy(text, state->memory->geometry, sizeof text);
	text[sizeof text - 1] = '\0';
	text_clean(clean, sizeof clean, text);
	cache_geometry_of_machine(&geometry);
	if (!cache_geometry_parse(&geometry, clean, &why))
		return false;
	state->n_levels = geometry.n_levels;
	state->has_tlb = geometry.tlb[0].n_entries > 0;
	state->is_known = true;
	add_all_series(state, recording);
	recording_add_fact(recording, "model.caches", clean);
	if (state->memory->is_assumed)
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

static void take_site(struct state *state, struct recording *recording, uint32_t site, uint64_t now)
{
	const struct model_site *row = &state->memory->sites[site];
	uint64_t *before = state->before[site], difference[N_MODEL_COUNTS];
	bool is_changed = false;
	for (int i = 0; i < N_MODEL_COUNTS; i++) {
		difference[i] = __atomic_load_n(&row->counts[i], __ATOMIC_RELAXED) - before[i];
		is_changed |= difference[i] != 0;
	}
	uint32_t stack = is_changed ? model_stacks_of_site(state->stacks, site) : 0;
	uint32_t array =
		stack ? model_stacks_of_array(state->stacks,
					      __atomic_load_n(&row->array, __ATOMIC_RELAXED))
		      : 0;
	if (!array)
		return; /* what it is called is not known yet: the difference stays */
	struct sample_row sample = {
		.time_ns = now,
		.thread = model_stacks_thread(state->stacks, row->thread),
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
static void take_rest(struct state *state, struct recording *recording)
{
	uint64_t n =
		__atomic_load_n(&state->memory->sites[0].counts[MODEL_ACCESSES], __ATOMIC_RELAXED);
	uint64_t more = n - state->before[0][MODEL_ACCESSES];
	if (more == 0)
		return;
	uint32_t frame = recording_add_special_frame(recording, "[lost]", 0);
	struct sample_row row = { .time_ns = now_ns(),
				  .weight = more,
				  .count = more < UINT32_MAX ? (uint32_t)more : UINT32_MAX,
				  .stack = recording_add_stack(recording, 0, frame),
				  .thread = model_stacks_thread(state->stacks, 1),
				  .series = (uint16_t)state->series[0],
				  .cpu = SAMPLE_CPU_UNKNOWN };
	recording_add_sample(recording, &row);
	state->before[0][MODEL_ACCESSES] = n;
}

static void add_rates(struct state *state, struct recording *recording, uint64_t now)
{
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

static void note_count(struct recording *recording, enum severity severity, uint64_t n,
		       const char *what, const char *remedy)
{
	char text[256];
	if (n == 0)
		return;
	snprintf(text, sizeof text, "%llu %s", (unsigned long long)n, what);
	recording_note(recording, severity, "model", text, remedy);
}

static void note_problem(const struct state *state, struct recording *recording)
{
	char raw[256], text[300], clean[256];
	memcpy(raw, state->memory->problem, sizeof raw);
	raw[sizeof raw - 1] = '\0';
	if (raw[0]) {
		snprintf(text, sizeof text, "Nothing is modelled: %s",
			 text_clean(clean, sizeof clean, raw));
		recording_note(recording, SEVERITY_ERROR, "model", text, "");
	} else {
		recording_note(recording, SEVERITY_ERROR, "model",
			       "Nothing is modelled: the program was not compiled for the cache "
			       "model.",
			       "Compile it with -g -fsanitize=thread, and link it, without that, "
			       "with -lstoke-model; `stoke help run` says how.");
	}
}

static void note_end(const struct state *state, struct recording *recording)
{
	const struct model_memory *memory = state->memory;
	char text[32];
	if (!state->is_known) {
		note_problem(state, recording);
		return;
	}
	recording_note(recording, SEVERITY_INFO, "model",
		       "Misses are modelled, for code that was compiled for it: not for libraries, "
		       "the kernel, instructions being fetched, or variables that nothing has the "
		       "address of. The program's times are those of the model.",
		       "");
	if (!memory->has_vectors)
		recording_note(
			recording, SEVERITY_INFO, "model",
			"Vector loads and stores with masks, gathers, stores past the caches "
			"and prefetches are not seen: the compiler does not report them.",
			"Compile with -I to stoke's model folder; `stoke help run` says how.");
	note_count(recording, SEVERITY_WARNING, memory->sites[0].counts[MODEL_ACCESSES],
		   "accesses found no room in the model's tables; they are [lost].",
		   "Model a smaller part of the program.");
	note_count(recording, SEVERITY_INFO, memory->n_unseen,
		   "accesses in handlers of signals were left out.", "");
	note_count(recording, SEVERITY_WARNING, memory->n_refused + memory->n_forks,
		   "further processes were not modelled: only the first is.",
		   "Run the program itself, not what starts it.");
	snprintf(text, sizeof text, "%llu",
		 (unsigned long long)memory->sites[0].counts[MODEL_ACCESSES]);
	recording_add_fact(recording, "sampling.lost", text);
}

static void model_drain(void *opaque, struct recording *recording, bool is_last)
{
	struct state *state = opaque;
	if (look_at_program(state, recording) && model_stacks_update(state->stacks, is_last)) {
		uint64_t now = now_ns();
		uint32_t n = __atomic_load_n(&state->memory->n_sites, __ATOMIC_ACQUIRE);
		n = n < MODEL_SITES ? n : MODEL_SITES;
		for (uint32_t site = 1; site < n; site++)
			take_site(state, recording, site, now);
		/* New sites brought new frames, which have no names yet. */
		if (is_last) {
			model_stacks_update(state->stacks, true);
			for (uint32_t site = 1; site < n; site++)
				take_site(state, recording, site, now);
		}
		take_rest(state, recording);
		add_rates(state, recording, now);
	}
	if (is_last)
		note_end(state, recording);
}

static void model_close(void *opaque)
{
	struct state *state = opaque;
	model_stacks_free(state->stacks);
	model_memory_unmap(state->memory);
	free(state->before);
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
