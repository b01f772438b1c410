/*
 * The user's own numbers: a function's samples and the phase that most of them lie in, a counter's
 * readings, a phase's work against its bound.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "counters/ceilings.h"
#include "counters/roofline_phases.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/explain.h"
#include "tui/explain_here.h"
#include "tui/function_lines.h"
#include "tui/roofline_device.h"
#include "tui/view.h"

enum { MOST_INLINED = 64 };

struct explaining {
	const struct recording *recording;
	const struct view_focus *focus;
	const struct view_subject *subject;
	struct explain_values values;
	struct explain_entry numbers; /* sentences of the kind "numbers" */
};

static void set_value(struct explaining *explaining, const char *name, double value,
		      const char *unit)
{
	char text[TEXT_BYTES];
	explain_set(&explaining->values, name, text_value(text, sizeof text, value, unit));
}

static bool is_in_window(const struct explaining *explaining, uint64_t time_ns)
{
	const struct view_focus *focus = explaining->focus;
	return time_ns >= focus->from_ns && (!focus->to_ns || time_ns < focus->to_ns);
}

/* ---- writing */

static void write_part(FILE *out, const struct explaining *explaining, const char *title,
		       const char *part)
{
	char text[EXPLAIN_PART_BYTES + 512];
	if (!part[0])
		return;
	explain_fill(part, &explaining->values, text, sizeof text);
	fprintf(out, "%s: %s\n", title, text);
}

static void write_parts(FILE *out, const struct explaining *explaining,
			const struct explain_entry *entry)
{
	static const char *const titles[N_EXPLAIN_PARTS][2] = {
		{ "What it is", "Here" },
		{ "Formula", "With your numbers" },
		{ "Bound", "Which bound holds" },
		{ "What would move it", "Here" },
		{ "See", "See" },
	};
	for (int i = 0; i < N_EXPLAIN_PARTS; i++) {
		write_part(out, explaining, titles[i][0], entry->parts[i]);
		write_part(out, explaining, titles[i][1], explaining->numbers.parts[i]);
	}
}

/* A sentence with numbers, behind those there are. */
static void add_numbers(struct explaining *explaining, const char *name)
{
	struct explain_entry numbers;
	if (!explain_find("numbers", name, &numbers))
		return;
	for (int i = 0; i < N_EXPLAIN_PARTS; i++) {
		char *part = explaining->numbers.parts[i];
		size_t used = strlen(part);
		if (numbers.parts[i][0])
			snprintf(part + used, EXPLAIN_PART_BYTES - used, "%s%s", used ? " " : "",
				 numbers.parts[i]);
	}
}

/* ---- phases */

static void set_phase(struct explaining *explaining, const struct roofline_phase *phase)
{
	const struct roofline_work *work = &phase->all;
	const struct roofline_verdict *verdict = &phase->all_verdict;
	char text[TEXT_BYTES];
	explain_set(&explaining->values, "phase",
		    recording_string_at(explaining->recording, phase->name));
	set_value(explaining, "flops", work->flops, "FLOP");
	set_value(explaining, "bytes", work->bytes, "B");
	set_value(explaining, "flop_rate", work->flops / work->seconds, "FLOP/s");
	set_value(explaining, "byte_rate", work->bytes / work->seconds, "B/s");
	set_value(explaining, "took_time", work->seconds * 1e9, "ns");
	set_value(explaining, "least_time", verdict->least_seconds * 1e9, "ns");
	set_value(explaining, "lost_time", verdict->lost_seconds * 1e9, "ns");
	set_value(explaining, "attained", verdict->attained_ratio, "ratio");
	snprintf(text, sizeof text, "%.3g", roofline_intensity(work));
	explain_set(&explaining->values, "intensity",
		    isnan(roofline_intensity(work)) ? TEXT_UNKNOWN : text);
	if (verdict->bound == BOUND_MEMORY)
		explain_set(&explaining->values, "level", roofline_level_name(verdict->level));
}

static void add_bound(struct explaining *explaining, const struct roofline_phases *phases,
		      const struct roofline_phase *phase)
{
	static const char *const names[] = { [BOUND_UNKNOWN] = "bound-unknown",
					     [BOUND_COMPUTE] = "bound-compute",
					     [BOUND_MEMORY] = "bound-memory",
					     [BOUND_BEATEN] = "bound-beaten" };
	add_numbers(explaining,
		    phases->is_modelled ? "bound-modelled" : names[phase->all_verdict.bound]);
}

static bool is_named(const struct explaining *explaining, uint32_t function)
{
	const struct function_row *row = recording_function(explaining->recording, function);
	const struct function_row *wanted =
		recording_function(explaining->recording, explaining->subject->id);
	return row->name == wanted->name && row->module == wanted->module;
}

static bool holds_function(const struct explaining *explaining, uint32_t frame)
{
	const struct location_row *location = recording_location(explaining->recording, frame);
	uint32_t at = location->inlined_into;
	bool holds = is_named(explaining, location->function);
	for (int depth = 0; at && !holds && depth < MOST_INLINED; depth++) {
		const struct inline_row *row = recording_inline(explaining->recording, at);
		holds = is_named(explaining, row->function);
		at = row->inlined_into;
	}
	return holds;
}

/* The phase that most of the function's samples lie in; *share of them. */
static const struct roofline_phase *find_phase(const struct explaining *explaining,
					       const struct roofline_phases *phases, double *share)
{
	const struct recording *recording = explaining->recording;
	struct moment moment = recording_moment(recording);
	uint64_t n = moment.n[TABLE_STACKS], all = 0, best = 0;
	bool *is_inside = allocate(n + 1, sizeof *is_inside);
	uint64_t *weights = allocate(phases->n + 1, sizeof *weights);
	const struct roofline_phase *found = NULL;
	for (uint64_t i = 1; i < n; i++) {
		const struct stack_row *stack = recording_stack(recording, i);
		is_inside[i] =
			is_inside[stack->parent] || (stack->frame < moment.n[TABLE_LOCATIONS] &&
						     holds_function(explaining, stack->frame));
	}
	for (uint64_t i = 1; i < moment.n[TABLE_SAMPLES]; i++) {
		const struct sample_row *sample = recording_sample(recording, i);
		if (sample->stack >= n || !is_inside[sample->stack] ||
		    !thread_choice_takes(&explaining->focus->only, recording, sample->thread) ||
		    !is_in_window(explaining, sample->time_ns))
			continue;
		const struct roofline_phase *phase = roofline_phase_at(phases, sample->time_ns);
		all += sample->count;
		if (phase)
			weights[phase - phases->rows] += sample->count;
	}
	for (size_t i = 0; i < phases->n; i++)
		if (weights[i] > best) {
			best = weights[i];
			found = &phases->rows[i];
		}
	*share = all ? (double)best / (double)all : NAN;
	free(is_inside);
	free(weights);
	return found;
}

static const struct roofline_phase *phase_named(const struct roofline_phases *phases, uint32_t name)
{
	for (size_t i = 0; i < phases->n; i++)
		if (phases->rows[i].name == name)
			return &phases->rows[i];
	return NULL;
}

static void explain_work(struct explaining *explaining)
{
	const struct view_subject *subject = explaining->subject;
	struct ceilings *ceilings = ceilings_load(explaining->recording);
	struct roofline_phases *phases =
		roofline_phases_open(explaining->recording, explaining->focus->from_ns,
				     explaining->focus->to_ns, ceilings);
	roofline_device_settle(explaining->recording, explaining->focus->from_ns,
			       explaining->focus->to_ns, phases);
	double share = 1;
	const struct roofline_phase *phase = subject->kind == SUBJECT_PHASE
						     ? phase_named(phases, subject->id)
						     : find_phase(explaining, phases, &share);
	if (phase) {
		set_phase(explaining, phase);
		set_value(explaining, "share", share, "ratio");
		add_numbers(explaining, subject->kind == SUBJECT_PHASE ? "work" : "phase");
		add_bound(explaining, phases, phase);
	}
	roofline_phases_close(phases);
	ceilings_free(ceilings);
}

/* ---- functions, counters, notes */

static void explain_function(struct explaining *explaining)
{
	struct function_lines lines = { 0 };
	struct view_focus focus = *explaining->focus;
	focus.function = explaining->subject->id;
	function_lines_update(&lines, explaining->recording, &focus, 0);
	const char *unit = recording_string_at(
		explaining->recording, recording_series(explaining->recording, lines.series)->unit);
	double whole = lines.whole ? (double)lines.whole : NAN;
	set_value(explaining, "self", (double)lines.self / whole, "ratio");
	set_value(explaining, "with", (double)lines.with / whole, "ratio");
	set_value(explaining, "self_time", (double)lines.self, unit);
	set_value(explaining, "with_time", (double)lines.with, unit);
	set_value(explaining, "whole_time", whole, unit);
	function_lines_free(&lines);
	add_numbers(explaining, "function");
	explain_work(explaining);
}

static void explain_counter(struct explaining *explaining)
{
	const struct recording *recording = explaining->recording;
	const struct series_row *series = recording_series(recording, explaining->subject->id);
	const char *unit = recording_string_at(recording, series->unit);
	uint64_t n = recording_moment(recording).n[TABLE_READINGS], count = 0;
	double last = NAN, least = NAN, most = NAN;
	char text[TEXT_BYTES];
	for (uint64_t i = 1; i < n; i++) {
		const struct reading_row *row = recording_reading(recording, i);
		if (row->series != explaining->subject->id || !isfinite(row->value) ||
		    row->origin == ORIGIN_UNAVAILABLE || !is_in_window(explaining, row->time_ns))
			continue;
		last = row->value;
		least = fmin(least, last);
		most = fmax(most, last);
		count++;
	}
	set_value(explaining, "value", last, unit);
	set_value(explaining, "least", least, unit);
	set_value(explaining, "most", most, unit);
	explain_set(&explaining->values, "readings", text_count(text, sizeof text, count));
	explain_set(&explaining->values, "origin", origin_name((enum origin)series->origin));
	add_numbers(explaining, "counter");
}

/* Both sides of a comparison, where colours show one. */
static void explain_change(struct explaining *explaining)
{
	const struct view_subject *subject = explaining->subject;
	double change = subject->shares[COMPARE_B] - subject->shares[COMPARE_A];
	char text[TEXT_BYTES];
	if (!subject->sides[COMPARE_A])
		return;
	snprintf(text, sizeof text, "%+.2f", change * 100);
	explain_set(&explaining->values, "change", isnan(change) ? TEXT_UNKNOWN : text);
	explain_set(&explaining->values, "side_a", subject->sides[COMPARE_A]);
	explain_set(&explaining->values, "side_b", subject->sides[COMPARE_B]);
	set_value(explaining, "share_a", subject->shares[COMPARE_A], "ratio");
	set_value(explaining, "share_b", subject->shares[COMPARE_B], "ratio");
	add_numbers(explaining, "change");
}

static void write_note(FILE *out, const struct recording *recording, uint32_t id)
{
	const struct note_row *row = recording_note_row(recording, id);
	fprintf(out, "The note: %s\n", recording_string_at(recording, row->text));
	if (row->remedy)
		fprintf(out, "Its remedy: %s\n", recording_string_at(recording, row->remedy));
}

/* What the counters' view has one line for, whole. */
static void write_provenance(FILE *out, const struct recording *recording, uint32_t id)
{
	const struct series_row *row = recording_series(recording, id);
	const char *reason = recording_string_at(recording, row->reason);
	const char *remedy = recording_string_at(recording, row->remedy);
	if (!row->reason && !row->remedy)
		return;
	fprintf(out, "%s: %s%s%s\n",
		row->origin == ORIGIN_UNAVAILABLE ? "Why it is not available" : "Where it is from",
		row->reason ? reason : "", row->reason && row->remedy ? " " : "",
		row->remedy ? remedy : "");
}

struct view_subject subject_of_function(const struct recording *recording, unsigned function)
{
	if (!function)
		return (struct view_subject){ 0 };
	return (struct view_subject){ .kind = SUBJECT_FUNCTION,
				      .id = function,
				      .name = recording_string_at(
					      recording,
					      recording_function(recording, function)->name) };
}

/* What is neither a function nor a counter. */
static void explain_place(struct explaining *explaining)
{
	struct explain_sentences sentences = explain_here(explaining->recording, explaining->focus,
							  explaining->subject, &explaining->values);
	for (size_t i = 0; i < sentences.n; i++)
		add_numbers(explaining, sentences.names[i]);
}

void explain_write(FILE *out, const struct recording *recording, const struct view_focus *focus,
		   const struct view_subject *subject)
{
	static const char *const kinds[] = {
		[SUBJECT_FUNCTION] = "function", [SUBJECT_THREAD] = "thread",
		[SUBJECT_COUNTER] = "counter",   [SUBJECT_PHASE] = "phase",
		[SUBJECT_NOTE] = "note",         [SUBJECT_GPU] = "gpu",
		[SUBJECT_MOMENT] = "moment",     [SUBJECT_MACHINE] = "machine",
		[SUBJECT_OUTPUT] = "output",
	};
	struct explaining explaining = { .recording = recording,
					 .focus = focus,
					 .subject = subject };
	struct explain_entry entry = { 0 };
	char title[64];
	if (subject->kind == SUBJECT_NONE) {
		fputs("Nothing is under the cursor.\n", out);
		return;
	}
	explain_set(&explaining.values, "name", subject->name);
	fprintf(out, "%s (%s)\n", explain_title(recording, subject, title, sizeof title),
		kinds[subject->kind]);
	explain_find(kinds[subject->kind], subject->name, &entry);
	if (subject->kind == SUBJECT_FUNCTION)
		explain_function(&explaining);
	else if (subject->kind == SUBJECT_COUNTER)
		explain_counter(&explaining);
	else if (subject->kind == SUBJECT_PHASE)
		explain_work(&explaining);
	else if (subject->kind == SUBJECT_NOTE)
		write_note(out, recording, subject->id);
	else
		explain_place(&explaining);
	explain_change(&explaining);
	write_parts(out, &explaining, &entry);
	if (subject->kind == SUBJECT_COUNTER)
		write_provenance(out, recording, subject->id);
}
