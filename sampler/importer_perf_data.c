/*
 * perf.data as a recording: records in the order of time through the same replay as a live ring, so
 * stacks, names and unwinding are the same. Files are those of this machine where their build-ids
 * agree; what cannot be found is shown as unknown, with the reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "sampler/address_space.h"
#include "sampler/base/text.h"
#include "sampler/importer.h"
#include "sampler/perf_data.h"
#include "sampler/perf_data_order.h"
#include "sampler/perf_replay.h"
#include "sampler/recording.h"
#include "sampler/sample_reads.h"
#include "sampler/symbols.h"
#include "sampler/target.h"
#include "sampler/unwind.h"

static const char source_name[] = "perf.data";

struct state {
	struct perf_data data;
	struct recording *recording;
	struct perf_replay replay;
	struct perf_data_order order;
	uint16_t *series;      /* by event; 0 = not yet written */
	uint64_t *last_period; /* by event: what a lost sample counts for */
	struct sample_reads reads;
	uint32_t n_series; /* room in both */
	bool is_foreign;   /* of another kind of processor */
	uint32_t frame_lost;
	char kernel_symbol[64]; /* what the kernel's map is named by, and where it was */
	uint64_t kernel_address;
	uint64_t n_samples, n_lost, n_throttled, n_malformed, n_unknown, n_foreign_stacks;
};

static bool is_clock(const struct perf_event_attr *attribute)
{
	return attribute->type == PERF_TYPE_SOFTWARE &&
	       (attribute->config == PERF_COUNT_SW_CPU_CLOCK ||
		attribute->config == PERF_COUNT_SW_TASK_CLOCK);
}

static bool is_dummy(const struct perf_event_attr *attribute)
{
	return attribute->type == PERF_TYPE_SOFTWARE && attribute->config == PERF_COUNT_SW_DUMMY;
}

static bool is_software(const struct perf_event_attr *attribute)
{
	return attribute->type == PERF_TYPE_SOFTWARE || attribute->type == PERF_TYPE_TRACEPOINT ||
	       attribute->type == PERF_TYPE_BREAKPOINT;
}

/* The number of the group that an event was read in: of its leader, which alone has a period. */
static uint32_t group_of(const struct state *state, uint32_t event)
{
	const struct perf_data_event *known = &state->data.events[event];
	bool is_read = known->attribute.sample_type & PERF_SAMPLE_READ &&
		       known->attribute.read_format & PERF_FORMAT_GROUP;
	uint32_t leader = event;
	while (leader > 0 && state->data.events[leader].attribute.sample_period == 0)
		leader--;
	return is_read && leader < SERIES_MOST_GROUPS ? leader + 1 : 0;
}

/* Written when it is first asked for: streams tell of their events as they go. */
static uint16_t series_of(struct state *state, uint32_t event)
{
	if (event >= state->n_series) {
		uint32_t n = state->data.n_events;
		state->series = reallocate(state->series, n, sizeof *state->series);
		state->last_period = reallocate(state->last_period, n, sizeof *state->last_period);
		for (uint32_t i = state->n_series; i < n; i++)
			state->series[i] = 0, state->last_period[i] = 0;
		state->n_series = n;
	}
	if (state->series[event])
		return state->series[event];
	const struct perf_data_event *known = &state->data.events[event];
	char name[PERF_DATA_NAME_BYTES];
	struct series_row row = {
		.name = recording_add_string(state->recording,
					     text_clean(name, sizeof name, known->name)),
		.unit = recording_add_string(state->recording,
					     is_clock(&known->attribute) ? "ns" : "events"),
		.source = recording_add_string(state->recording, source_name),
		.origin = is_software(&known->attribute) ? ORIGIN_SOFTWARE : ORIGIN_MEASURED,
		.flags = SERIES_SAMPLES | group_of(state, event) << SERIES_GROUP_SHIFT,
	};
	return state->series[event] = (uint16_t)recording_add_series(state->recording, &row);
}

/* The registers that our unwinder wants, out of those that were sampled. */
static const uint64_t *our_registers(const struct perf_sample *sample, uint64_t mask,
				     uint64_t out[UNWIND_N_REGISTERS])
{
	if (mask == UNWIND_REGISTER_MASK)
		return sample->registers;
	if ((mask & UNWIND_REGISTER_MASK) != UNWIND_REGISTER_MASK)
		return NULL;
	size_t place = 0, n = 0;
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(mask >> bit & 1))
			continue;
		if (UNWIND_REGISTER_MASK >> bit & 1)
			out[n++] = sample->registers[place];
		place++;
	}
	return out;
}

static uint32_t special_stack(struct state *state, const char *text)
{
	uint32_t frame = recording_add_special_frame(state->recording, text, 0);
	return recording_add_stack(state->recording, 0, frame);
}

static uint32_t stack_of(struct state *state, const struct perf_event_header *header,
			 const struct perf_data_event *event, struct perf_sample *sample)
{
	uint64_t registers[UNWIND_N_REGISTERS];
	switch (header->misc & PERF_RECORD_MISC_CPUMODE_MASK) {
	case PERF_RECORD_MISC_HYPERVISOR:
		return special_stack(state, "[hypervisor]");
	case PERF_RECORD_MISC_GUEST_KERNEL:
	case PERF_RECORD_MISC_GUEST_USER:
		return special_stack(state, "[guest]");
	default:
		break;
	}
	if (state->is_foreign && sample->registers) {
		state->n_foreign_stacks++;
		sample->registers = NULL;
	}
	if (sample->registers)
		sample->registers = our_registers(sample, event->layout.register_mask, registers);
	bool has_stack = event->layout.sample_type & PERF_SAMPLE_STACK_USER;
	return perf_replay_stack(&state->replay, header, sample, has_stack);
}

static void add_row(struct state *state, struct sample_row *row, uint32_t pid, uint32_t tid)
{
	if (state->n_samples + state->n_lost == 0)
		state->recording->start_ns = row->time_ns;
	row->thread = perf_replay_thread(&state->replay, pid, tid, row->time_ns);
	recording_add_sample(state->recording, row);
}

static uint64_t period_of(const struct state *state, uint32_t event)
{
	const struct perf_event_attr *attribute = &state->data.events[event].attribute;
	uint64_t period = attribute->freq ? 0 : attribute->sample_period;
	if (!period && event < state->n_series)
		period = state->last_period[event];
	return period ? period : 1;
}

/* A sample that holds counts is one of each event that has moved since its last, by as much. */
static void add_counted(struct state *state, const struct perf_sample *sample,
			const struct perf_data_event *event, const struct sample_row *first)
{
	sample_reads_begin(&state->reads, sample, &event->layout, first->series,
			   event->attribute.inherit);
	for (size_t i = 0; i < sample->n_counts; i++) {
		struct sample_row row = *first;
		uint64_t id;
		row.weight = sample_reads_grown(&state->reads, sample, &event->layout, i, &id);
		uint32_t place = id ? hash_map_get(&state->data.by_id, id) : 0;
		if (!place) {
			state->n_unknown++;
			continue;
		}
		row.series = series_of(state, place - 1);
		if (row.weight == 0)
			continue;
		add_row(state, &row, sample->pid, sample->tid);
		state->n_samples++;
	}
}

static void take_sample(struct state *state, const struct perf_event_header *header, int64_t place)
{
	struct perf_sample sample;
	if (place < 0) {
		state->n_unknown++;
		return;
	}
	const struct perf_data_event *event = &state->data.events[place];
	if (!perf_record_sample(header, &event->layout, &sample)) {
		state->n_malformed++;
		return;
	}
	uint64_t type = event->layout.sample_type;
	bool has_cpu = type & PERF_SAMPLE_CPU && sample.cpu < SAMPLE_CPU_UNKNOWN;
	struct sample_row row = {
		.time_ns = sample.time_ns,
		.stack = stack_of(state, header, event, &sample),
		.count = 1,
		.series = series_of(state, (uint32_t)place),
		.cpu = has_cpu ? (uint16_t)sample.cpu : SAMPLE_CPU_UNKNOWN,
	};
	row.weight = type & PERF_SAMPLE_PERIOD ? sample.period : period_of(state, (uint32_t)place);
	state->last_period[place] = row.weight;
	if (type & PERF_SAMPLE_READ && event->layout.read_format & PERF_FORMAT_ID) {
		add_counted(state, &sample, event, &row);
		return;
	}
	add_row(state, &row, sample.pid, sample.tid);
	state->n_samples++;
}

/* Lost samples keep their width: as many periods as records are missing. */
static void take_lost(struct state *state, const struct perf_event_header *header, uint32_t event)
{
	uint64_t n = 0, time_ns = 0;
	const struct perf_layout *layout = &state->data.events[event].layout;
	if (!perf_record_lost(header, &n) || n == 0 || n > UINT32_MAX)
		return;
	perf_record_time(header, layout, &time_ns);
	if (!state->frame_lost)
		state->frame_lost = recording_add_special_frame(state->recording, "[lost]", 0);
	struct sample_row row = {
		.time_ns =
			time_ns > state->recording->start_ns ? time_ns : state->recording->start_ns,
		.weight = n * period_of(state, event),
		.stack = recording_add_stack(state->recording, 0, state->frame_lost),
		.count = (uint32_t)n,
		.series = series_of(state, event),
		.cpu = SAMPLE_CPU_UNKNOWN,
	};
	struct thread_row thread = { .name = recording_add_string(state->recording, "[lost]"),
				     .process_name =
					     recording_add_string(state->recording, "[lost]") };
	row.thread = recording_add_thread(state->recording, &thread);
	recording_add_sample(state->recording, &row);
	state->n_lost += n;
}

/* "[kernel.kallsyms]_text" says where that symbol was, so that names can be moved along. */
static void take_kernel_map(struct state *state, const struct perf_event_header *header,
			    const struct perf_layout *layout)
{
	static const char prefix[] = "[kernel.kallsyms]";
	struct perf_map map;
	if (!perf_record_map(header, layout, &map) ||
	    strncmp(map.path, prefix, sizeof prefix - 1) != 0)
		return;
	snprintf(state->kernel_symbol, sizeof state->kernel_symbol, "%s",
		 map.path + sizeof prefix - 1);
	state->kernel_address = map.file_offset;
}

static void take_task(struct state *state, const struct perf_event_header *header,
		      const struct perf_layout *layout)
{
	bool is_map = header->type == PERF_RECORD_MMAP || header->type == PERF_RECORD_MMAP2;
	if (is_map && (header->misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL)
		take_kernel_map(state, header, layout);
	if (!perf_replay_task(&state->replay, header, layout))
		state->n_malformed++;
}

static void take_record(void *opaque, const struct perf_event_header *header)
{
	struct state *state = opaque;
	int64_t place = perf_data_event_of(&state->data, header);
	uint32_t event = place < 0 ? 0 : (uint32_t)place;
	switch (header->type) {
	case PERF_RECORD_SAMPLE:
		take_sample(state, header, place);
		break;
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES:
		take_lost(state, header, event);
		break;
	case PERF_RECORD_THROTTLE:
		state->n_throttled++;
		break;
	default:
		take_task(state, header, &state->data.events[event].layout);
		break;
	}
}

/* What a stream says of itself, between its records. False if the record makes no sense. */
static bool take_own(struct state *state, const struct perf_data_record *record)
{
	struct perf_data *data = &state->data;
	const size_t n_header = sizeof(struct perf_event_header);
	const uint8_t *body = record->bytes + n_header;
	size_t n = record->size - n_header;
	uint64_t word = 0;
	uint32_t attribute_bytes = 0;
	switch (record->type) {
	case PERF_DATA_FINISHED_ROUND:
		perf_data_order_round(&state->order);
		return true;
	case PERF_DATA_BUILD_ID:
		return perf_data_build_id(data, record->bytes, record->size);
	case PERF_DATA_EVENT_UPDATE:
		perf_data_event_update(data, body, n);
		return true;
	case PERF_DATA_FEATURE:
		if (n < sizeof word)
			return false;
		memcpy(&word, body, sizeof word);
		perf_data_feature(data, word, body + sizeof word, n - sizeof word);
		return true;
	case PERF_DATA_ATTRIBUTE:
		if (n < sizeof(struct perf_event_attr) / 2)
			return false;
		/* The attribute says how long it is; its ids follow. */
		memcpy(&attribute_bytes, body + 4, sizeof attribute_bytes);
		return attribute_bytes <= n &&
		       perf_data_add_event(data, body, attribute_bytes, body + attribute_bytes,
					   n - attribute_bytes);
	default:
		return true;
	}
}

static void take_kernels(struct state *state, const struct perf_data_record *record)
{
	uint64_t aligned[8192]; /* the longest record */
	uint64_t time_ns = 0;
	memcpy(aligned, record->bytes, record->size);
	const struct perf_event_header *header = (const void *)aligned;
	int64_t place = perf_data_event_of(&state->data, header);
	const struct perf_layout *layout = &state->data.events[place < 0 ? 0 : place].layout;
	/* What perf tells of processes that were there before has no time: it comes first. */
	if (!perf_record_time(header, layout, &time_ns) || time_ns == 0 || time_ns == UINT64_MAX)
		take_record(state, header);
	else
		perf_data_order_add(&state->order, record->bytes, record->size, time_ns);
}

static bool read_records(struct state *state, struct why *why)
{
	struct perf_data_reader *reader = perf_data_reader_new(&state->data);
	struct perf_data_record record;
	bool is_good = true;
	while (is_good && perf_data_next(reader, &record)) {
		if (record.type >= PERF_DATA_ATTRIBUTE) {
			if (!take_own(state, &record))
				state->n_malformed++;
		} else if (state->data.n_events > 0) {
			take_kernels(state, &record);
		} else {
			state->n_malformed++;
		}
		if (record.type == PERF_DATA_ATTRIBUTE)
			is_good = perf_data_events_agree(&state->data, why);
	}
	perf_data_order_end(&state->order);
	const char *damage = perf_data_damage(reader);
	if (damage && state->n_samples == 0)
		is_good = why_fail(why, "%s holds no samples that can be read. %s",
				   state->data.path, damage);
	else if (damage)
		recording_note(state->recording, SEVERITY_WARNING, source_name, damage,
			       "What comes before it is shown; copy the file again if there is a "
			       "whole one.");
	perf_data_reader_free(reader);
	return is_good;
}

/* ---- names, facts and notes */

/* Nothing but an address speaks for this machine's kernel. */
static bool is_unnamed_kernel(const struct state *state)
{
	const struct perf_data_facts *facts = &state->data.facts;
	return !facts->kernel_build_id[0] && !facts->release[0] && state->kernel_symbol[0] &&
	       module_store_kernel_symbol("/proc/kallsyms", state->kernel_symbol) ==
		       state->kernel_address;
}

static void find_kernel(struct state *state, struct symbols *symbols)
{
	char path[512];
	struct why why;
	const struct perf_data_facts *facts = &state->data.facts;
	uint64_t shift = 0, address = 0;
	bool is_found = module_store_kernel(facts->kernel_build_id, facts->release, path,
					    sizeof path, &why);
	if (is_unnamed_kernel(state)) { /* an unfinished file says no more */
		snprintf(path, sizeof path, "/proc/kallsyms");
		is_found = true;
		recording_note(state->recording, SEVERITY_INFO, source_name,
			       "The file does not say which kernel it ran on; names of kernel "
			       "functions are those of this one, which lies at the same address.",
			       "");
	}
	if (!is_found) {
		symbols_use_kernel(symbols, NULL, 0, why.text);
		return;
	}
	if (state->kernel_symbol[0])
		address = module_store_kernel_symbol(path, state->kernel_symbol);
	if (address && state->kernel_address)
		shift = state->kernel_address - address;
	symbols_use_kernel(symbols, path, shift, "");
}

static bool has_kernel_frames(const struct recording *recording)
{
	for (uint64_t i = 1; i < recording->tables[TABLE_FRAMES].n_rows; i++)
		if (recording_frame(recording, i)->flags & FRAME_KERNEL)
			return true;
	return false;
}

static void resolve(struct state *state)
{
	struct symbols *symbols = symbols_new(state->recording, state->replay.space, false);
	if (has_kernel_frames(state->recording)) /* its symbols take some 40 ms to read */
		find_kernel(state, symbols);
	symbols_resolve(symbols, UINT64_MAX);
	symbols_free(symbols);
}

static void add_fact(struct recording *recording, const char *key, const char *value)
{
	char clean[4096];
	if (value[0])
		recording_add_fact(recording, key, text_clean(clean, sizeof clean, value));
}

static void add_facts(struct state *state)
{
	const struct perf_data_facts *facts = &state->data.facts;
	struct recording *recording = state->recording;
	char text[32];
	add_fact(recording, "command_line", facts->command);
	add_fact(recording, "host", facts->host);
	add_fact(recording, "kernel", facts->release);
	add_fact(recording, "architecture", facts->architecture);
	add_fact(recording, "cpu", facts->cpu);
	add_fact(recording, "perf_version", facts->version);
	add_fact(recording, "imported_from", source_name);
	snprintf(text, sizeof text, "%llu", (unsigned long long)state->n_lost);
	recording_add_fact(recording, "sampling.lost", text);
	snprintf(text, sizeof text, "%.3f", sample_reads_ran(&state->reads));
	if (sample_reads_shared(&state->reads))
		recording_add_fact(recording, "sampling.group_ran", text);
	const struct unwind_statistics *statistics = unwinder_statistics(state->replay.unwinder);
	snprintf(text, sizeof text, "%llu",
		 (unsigned long long)statistics->n_by_end[UNWIND_TRUNCATED]);
	if (statistics->n_stacks > 0)
		recording_add_fact(recording, "sampling.truncated", text);
	recording->start_epoch_ns = 0;
	if (facts->clock_wall_ns)
		recording->start_epoch_ns =
			facts->clock_wall_ns + (recording->start_ns - facts->clock_ns);
}

static void add_notes(const struct state *state)
{
	struct recording *recording = state->recording;
	const struct unwind_statistics *statistics = unwinder_statistics(state->replay.unwinder);
	if (state->n_samples == 0)
		recording_note(recording, SEVERITY_WARNING, source_name,
			       "The file holds no samples.",
			       "Record for longer, or on another event.");
	if (state->data.is_unfinished)
		recording_note(
			recording, SEVERITY_WARNING, source_name,
			"The recorder did not finish the file: names of events, build-ids and "
			"the machine are not in it.",
			"");
	recording_note(recording, SEVERITY_INFO, source_name,
		       "A perf.data file holds samples only: readings, phases and the exit status "
		       "are not available.",
		       "Record with stoke to have them.");
	recording_note_count(recording, SEVERITY_WARNING, source_name, state->n_lost,
			     "records were lost while recording; they are the width of [lost].",
			     "");
	recording_note_count(recording, SEVERITY_WARNING, source_name, state->n_throttled,
			     "times the kernel throttled sampling because it took too long.", "");
	recording_note_count(recording, SEVERITY_WARNING, source_name, state->n_malformed,
			     "records made no sense and were left out.", "");
	recording_note_count(recording, SEVERITY_WARNING, source_name, state->n_unknown,
			     "samples are of no event in the file and were left out.", "");
	recording_note_count(recording, SEVERITY_WARNING, source_name, state->order.n_late,
			     "records came out of order; stacks near them may lack names.", "");
	recording_note_count(recording, SEVERITY_WARNING, source_name, state->data.n_bad_features,
			     "parts of the header are damaged and were left out.", "");
	recording_note_count(recording, SEVERITY_WARNING, source_name, state->n_foreign_stacks,
			     "copied stacks are of another kind of processor and were not unwound.",
			     "Import the file on such a machine.");
	recording_note_count(
		recording, SEVERITY_INFO, source_name, statistics->n_by_end[UNWIND_TRUNCATED],
		"stacks are longer than the part that was copied; they end in [truncated].",
		"Record with --call-graph dwarf,65528.");
}

static void open_state(struct state *state)
{
	struct utsname system;
	const char *architecture = state->data.facts.architecture;
	state->recording = recording_new();
	perf_replay_open(&state->replay, state->recording, UNWINDER_FAST);
	state->replay.store = state->data.files;
	address_space_set_offline(state->replay.space);
	state->order.take = take_record;
	state->order.opaque = state;
	state->is_foreign =
		architecture[0] && uname(&system) == 0 && strcmp(architecture, system.machine) != 0;
	/* In the order in which they were asked for; the dummy only carries maps and names. */
	for (uint32_t i = 0; i < state->data.n_events; i++)
		if (!is_dummy(&state->data.events[i].attribute))
			series_of(state, i);
	/* The idle task is in no record; perf calls it so too. */
	stack_thread_rename(stack_threads_get(&state->replay.threads, 0, 0), "swapper");
}

static struct recording *perf_data_read(const char *path, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct recording *recording = NULL;
	if (perf_data_open(&state->data, path, why)) {
		open_state(state);
		recording = state->recording;
		if (read_records(state, why)) {
			recording_flush_samples(recording, UINT64_MAX);
			resolve(state);
			add_facts(state);
			add_notes(state);
			recording_publish(recording);
		} else {
			recording_free(recording);
			recording = NULL;
		}
		perf_replay_close(&state->replay);
		perf_data_close(&state->data);
		sample_reads_free(&state->reads);
		free(state->series);
		free(state->last_period);
	}
	free(state);
	return recording;
}

static bool perf_data_looks_like(const unsigned char *head, size_t n_bytes)
{
	return perf_data_is(head, n_bytes);
}

const struct importer importer_perf_data = {
	.name = "perf-data",
	.suffix = "perf.data",
	.summary = "perf record's files, stacks unwound and named here",
	.looks_like = perf_data_looks_like,
	.read = perf_data_read,
};
