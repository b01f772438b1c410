/* See explain_here.h; the sentences are in tui/explain/numbers.txt. */
#include "tui/explain_here.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "counters/ceilings.h"
#include "counters/machine.h"
#include "counters/roofline_phases.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tui/gpu_summary.h"
#include "tui/view.h"

static void add(struct explain_sentences *sentences, const char *name)
{
	if (sentences->n < EXPLAIN_MOST_SENTENCES)
		sentences->names[sentences->n++] = name;
}

static void set(struct explain_values *values, const char *name, double value, const char *unit)
{
	char text[TEXT_BYTES];
	explain_set(values, name, text_value(text, sizeof text, value, unit));
}

static void set_count(struct explain_values *values, const char *name, uint64_t count)
{
	char text[TEXT_BYTES];
	explain_set(values, name, text_count(text, sizeof text, count));
}

static void set_memory(struct explain_values *values, const char *name, double value_bytes)
{
	char text[TEXT_BYTES];
	explain_set(values, name, text_memory(text, sizeof text, value_bytes));
}

/* ---- a kernel or a copy */

static const struct gpu_work *find_work(const struct gpu_summary *summary, unsigned name)
{
	for (uint32_t i = 0; i < summary->n_work; i++)
		if (summary->work[i].name == name && summary->work[i].n > 0)
			return &summary->work[i];
	return NULL;
}

static void set_shape(struct explain_values *values, const struct gpu_work *work,
		      const struct gpu_device_facts *device)
{
	const struct gpu_shape *shape = &work->shape;
	set_count(values, "gpu_blocks", (uint64_t)shape->grid[0] * shape->grid[1] * shape->grid[2]);
	set_count(values, "gpu_threads",
		  (uint64_t)shape->block[0] * shape->block[1] * shape->block[2]);
	set_count(values, "gpu_registers", shape->registers);
	set_memory(values, "gpu_shared",
		   (double)shape->shared_static_bytes + (double)shape->shared_dynamic_bytes);
	set(values, "gpu_occupancy", gpu_occupancy(shape, &device->limits), "ratio");
	if (device->multiprocessors)
		set_count(values, "gpu_processors", device->multiprocessors);
}

static void explain_work(const struct gpu_summary *summary, const struct gpu_work *work,
			 struct explain_values *values, struct explain_sentences *sentences)
{
	const struct gpu_device_facts *device =
		&summary->devices[work->device < GPU_MOST_DEVICES ? work->device : 0];
	double total = (double)work->total_ns;
	set_count(values, "gpu_times", work->n);
	set(values, "gpu_each", total / (double)work->n, "ns");
	set(values, "gpu_total", total, "ns");
	set(values, "gpu_share", total / (double)summary->device_ns, "ratio");
	set(values, "gpu_least", (double)work->least_ns, "ns");
	set(values, "gpu_most", (double)work->most_ns, "ns");
	add(sentences, "gpu");
	if (!isnan(work->bytes)) {
		set_memory(values, "gpu_bytes", work->bytes);
		set(values, "gpu_rate", work->bytes / (total * 1e-9), "B/s");
		add(sentences, "gpu-bytes");
	}
	if (work->exact_ns > 0) {
		double exact_s = (double)work->exact_ns * 1e-9;
		set_count(values, "gpu_told", work->exact_n);
		set(values, "gpu_flop_rate", work->exact_flops / exact_s, "FLOP/s");
		set(values, "gpu_byte_rate", work->exact_bytes / exact_s, "B/s");
		add(sentences, "gpu-work");
	}
	if (work->n_shapes == 1) {
		set_shape(values, work, device);
		add(sentences, "gpu-shape");
	}
}

static void explain_gpu(const struct recording *recording, const struct view_focus *focus,
			unsigned name, struct explain_values *values,
			struct explain_sentences *sentences)
{
	struct gpu_summary *summary = allocate(1, sizeof *summary);
	gpu_summary_read(summary, recording, focus->from_ns, focus->to_ns, 1);
	const struct gpu_work *work = find_work(summary, name);
	if (work)
		explain_work(summary, work, values, sentences);
	free(summary);
}

/* ---- a part of the time */

static uint64_t since_start(const struct recording *recording, uint64_t time_ns)
{
	return time_ns > recording->start_ns ? time_ns - recording->start_ns : 0;
}

static void set_phase_at(const struct recording *recording, uint64_t time_ns,
			 struct explain_values *values, struct explain_sentences *sentences)
{
	struct roofline_phases *phases = roofline_phases_open(recording, 0, 0, NULL);
	const struct roofline_phase *phase = roofline_phase_at(phases, time_ns);
	if (phase) {
		explain_set(values, "phase", recording_string_at(recording, phase->name));
		add(sentences, "moment-phase");
	}
	roofline_phases_close(phases);
}

static uint64_t count_roots(const struct tree *tree)
{
	uint32_t n_nodes;
	uint64_t n = 0;
	const struct tree_node *nodes = tree_nodes(tree, &n_nodes);
	for (uint32_t i = nodes[0].first_child; i; i = nodes[i].next_sibling)
		n++;
	return n;
}

static void set_samples(const struct recording *recording, const struct view_subject *subject,
			const struct tree *tree, struct explain_values *values,
			struct explain_sentences *sentences)
{
	uint32_t n_nodes;
	struct tree_function hottest;
	double weight = (double)tree_nodes(tree, &n_nodes)[0].total;
	double length_ns = (double)(subject->to_ns - subject->from_ns);
	const char *unit = recording_string_at(
		recording, recording_series(recording, tree_series(tree))->unit);
	set_count(values, "moment_samples", tree_n_samples(tree));
	set_count(values, "moment_threads", count_roots(tree));
	set(values, "moment_weight", weight, unit);
	add(sentences, "moment");
	if (tree_functions(tree, &hottest, 1) == 1) {
		explain_set(values, "hottest", recording_string_at(recording, hottest.name));
		set(values, "hottest_share", (double)hottest.exclusive / weight, "ratio");
		add(sentences, "moment-hottest");
	}
	if (strcmp(unit, "ns") == 0 && length_ns > 0) {
		char text[TEXT_BYTES];
		snprintf(text, sizeof text, "%.3g", weight / length_ns);
		explain_set(values, "moment_cpus", text);
		add(sentences, "moment-cpus");
	}
}

static void explain_moment(const struct recording *recording, const struct view_focus *focus,
			   const struct view_subject *subject, struct explain_values *values,
			   struct explain_sentences *sentences)
{
	struct tree_options options = { .root = TREE_ROOT_THREAD,
					.only = focus->only,
					.from_ns = subject->from_ns,
					.to_ns = subject->to_ns };
	struct tree *tree = tree_open(recording, &options);
	tree_update(tree);
	set(values, "moment_from", (double)since_start(recording, subject->from_ns), "ns");
	set(values, "moment_length", (double)(subject->to_ns - subject->from_ns), "ns");
	if (tree_n_samples(tree))
		set_samples(recording, subject, tree, values, sentences);
	else
		add(sentences, "moment-empty");
	set_phase_at(recording, subject->from_ns, values, sentences);
	tree_close(tree);
}

/* ---- the machine */

static double set_peak(const struct ceilings *ceilings, const char *prefix,
		       struct explain_values *values, const char *name)
{
	const struct ceiling *peak = ceilings_peak(ceilings, prefix, UINT32_MAX);
	if (!peak)
		return NAN;
	set(values, name, peak->best, peak->unit);
	return peak->best;
}

static void explain_ceilings(const struct recording *recording, struct explain_values *values,
			     struct explain_sentences *sentences)
{
	struct ceilings *ceilings = ceilings_load(recording);
	add(sentences, ceilings ? "machine-ceilings" : "machine-no-ceilings");
	if (!ceilings)
		return;
	char text[TEXT_BYTES];
	double ridge = set_peak(ceilings, "fma.f32-", values, "peak_flops") /
		       set_peak(ceilings, "read.DRAM", values, "peak_bytes");
	snprintf(text, sizeof text, "%.3g", ridge);
	explain_set(values, "ridge", isnan(ridge) ? TEXT_UNKNOWN : text);
	ceilings_free(ceilings);
}

static void explain_machine(const struct recording *recording, const char *key,
			    struct explain_values *values, struct explain_sentences *sentences)
{
	struct machine *machine = machine_load(recording);
	const struct machine_fact *fact = machine ? machine_fact(machine, key) : NULL;
	if (strcmp(key, "ceilings") == 0) {
		explain_ceilings(recording, values, sentences);
	} else if (fact) {
		explain_set(values, "fact", fact->value[0] ? fact->value : fact->reason);
		add(sentences, fact->value[0] ? "machine" : "machine-unknown");
	} else if (machine) {
		set_count(values, "cpus", cpu_mask_count(&machine->online));
		set_count(values, "cores", machine->cores.n);
		set_count(values, "caches", machine->n_caches);
		add(sentences, "machine-picture");
	}
	machine_free(machine);
}

const char *explain_title(const struct recording *recording, const struct view_subject *subject,
			  char *out, size_t bytes)
{
	if (subject->kind != SUBJECT_MACHINE)
		return subject->name;
	struct machine *machine = machine_load(recording);
	const struct machine_fact *fact = machine ? machine_fact(machine, subject->name) : NULL;
	snprintf(out, bytes, "%s", fact ? fact->label : subject->name);
	machine_free(machine);
	return out;
}

/* ---- the program's terminal */

static void explain_output(const struct recording *recording, struct explain_values *values,
			   struct explain_sentences *sentences)
{
	struct moment moment = recording_moment(recording);
	set_memory(values, "output_bytes", (double)moment.n[TABLE_OUTPUTS]);
	for (uint64_t i = moment.n[TABLE_FACTS]; i-- > 1;) {
		const struct fact_row *row = recording_fact(recording, i);
		const char *size = strrchr(recording_string_at(recording, row->value), ' ');
		if (strcmp(recording_string_at(recording, row->key), "terminal:size") != 0 || !size)
			continue;
		explain_set(values, "output_size", size + 1);
		add(sentences, "output-size");
		break;
	}
	add(sentences, "output");
}

struct explain_sentences explain_here(const struct recording *recording,
				      const struct view_focus *focus,
				      const struct view_subject *subject,
				      struct explain_values *values)
{
	struct explain_sentences sentences = { .n = 0 };
	if (subject->kind == SUBJECT_GPU)
		explain_gpu(recording, focus, subject->id, values, &sentences);
	else if (subject->kind == SUBJECT_MOMENT)
		explain_moment(recording, focus, subject, values, &sentences);
	else if (subject->kind == SUBJECT_MACHINE)
		explain_machine(recording, subject->name, values, &sentences);
	else if (subject->kind == SUBJECT_OUTPUT)
		explain_output(recording, values, &sentences);
	return sentences;
}
