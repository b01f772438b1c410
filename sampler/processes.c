/*
 * Sums are by thread and by process at once. The hottest function is kept while they grow: weights
 * are only added, so whatever has just grown is the only one that can have become the hottest.
 */
#include "sampler/processes.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"

/* Rows of one slot are as they came, and slots may grow long: how far back a time may still be. */
static const uint64_t SLACK_NS = 2000000000;

/* ---- who there is */

static uint64_t key_of(const struct thread_row *row)
{
	return row->pid ? (uint64_t)1 << 32 | row->pid : (uint64_t)2 << 32 | row->process_name;
}

static uint32_t process_of(struct processes *processes, const struct thread_row *row)
{
	uint32_t *place = hash_map_at(&processes->places, key_of(row));
	if (*place)
		return *place - 1;
	if (processes->n_rows == processes->rows_capacity) {
		processes->rows_capacity =
			processes->rows_capacity ? processes->rows_capacity * 2 : 64;
		processes->rows = reallocate(processes->rows, processes->rows_capacity,
					     sizeof *processes->rows);
	}
	processes->rows[processes->n_rows] = (struct process_row){ .pid = row->pid };
	*place = (uint32_t)++processes->n_rows;
	return *place - 1;
}

static uint32_t add_thread(struct processes *processes, uint32_t process,
			   const struct thread_row *row)
{
	struct process_row *owner = &processes->rows[process];
	if (processes->n_threads == processes->threads_capacity) {
		processes->threads_capacity =
			processes->threads_capacity ? processes->threads_capacity * 2 : 64;
		processes->threads = reallocate(processes->threads, processes->threads_capacity,
						sizeof *processes->threads);
	}
	uint32_t place = (uint32_t)processes->n_threads++;
	processes->threads[place] =
		(struct process_thread){ .process = process, .tid = row->tid, .name = row->name };
	if (owner->last_thread)
		processes->threads[owner->last_thread - 1].next = place + 1;
	else
		owner->first_thread = place + 1;
	owner->last_thread = place + 1;
	return place;
}

/* Under the name that it has in the row; a thread has few of them. */
static uint32_t thread_of(struct processes *processes, uint32_t process,
			  const struct thread_row *row)
{
	uint32_t *last = hash_map_at(&processes->tids, ((uint64_t)process << 32 | row->tid) + 1);
	for (uint32_t at = *last; at; at = processes->threads[at - 1].renamed)
		if (processes->threads[at - 1].name == row->name)
			return at - 1;
	uint32_t place = add_thread(processes, process, row);
	processes->threads[place].renamed = *last;
	processes->rows[process].n_threads += !*last;
	*last = place + 1;
	return place;
}

static void set_name(struct process_row *process, uint32_t name)
{
	if (!name || process->name == name)
		return;
	process->name_before = process->name;
	process->name = name;
}

/* Rows come in the order of time: the last one tells how it is. */
static void take_thread(struct processes *processes, const struct thread_row *row, uint64_t id)
{
	uint32_t place = process_of(processes, row);
	struct process_row *process = &processes->rows[place];
	set_name(process, row->process_name);
	if (row->parent_pid && row->parent_pid != row->pid)
		process->parent_pid = row->parent_pid;
	processes->knows_parents |= process->parent_pid != 0;
	if (row->flags & (THREAD_FOLLOWED | THREAD_ENDED)) {
		process->state = row->flags & THREAD_ENDED ? PROCESS_ENDED : PROCESS_RUNNING;
		process->ended_ns = row->flags & THREAD_ENDED ? row->start_ns : 0;
		processes->knows_ends = true;
	}
	processes->by_thread[id] = thread_of(processes, place, row) + 1;
}

static void find_parents(struct processes *processes)
{
	for (size_t i = 0; i < processes->n_rows; i++) {
		struct process_row *row = &processes->rows[i];
		struct thread_row parent = { .pid = row->parent_pid };
		row->parent = 0;
		if (row->parent_pid && row->parent_pid != row->pid)
			row->parent = hash_map_get(&processes->places, key_of(&parent));
	}
}

static bool take_threads(struct processes *processes, const struct recording *recording, uint64_t n)
{
	if (processes->next_thread == n)
		return false;
	processes->by_thread = reallocate(processes->by_thread, n, sizeof *processes->by_thread);
	processes->by_thread[0] = processes->n_by_thread ? processes->by_thread[0] : 0;
	processes->n_by_thread = n;
	for (uint64_t id = processes->next_thread ? processes->next_thread : 1; id < n; id++)
		take_thread(processes, recording_thread(recording, id), id);
	processes->next_thread = n;
	find_parents(processes);
	return true;
}

/* ---- what they used */

static void add_to_spot(struct processes *processes, struct process_sum *sum, uint64_t whose,
			uint32_t function, uint32_t name, uint64_t weight)
{
	uint32_t *place = hash_map_at(&processes->spots, (whose << 32 | name) + 1);
	if (!*place) {
		if (processes->n_spots == processes->spots_capacity) {
			processes->spots_capacity =
				processes->spots_capacity ? processes->spots_capacity * 2 : 1024;
			processes->spot_weights =
				reallocate(processes->spot_weights, processes->spots_capacity,
					   sizeof *processes->spot_weights);
		}
		processes->spot_weights[processes->n_spots] = 0;
		*place = ++processes->n_spots;
	}
	uint64_t now = processes->spot_weights[*place - 1] += weight;
	if (now > sum->hottest_weight) {
		sum->hottest_weight = now;
		sum->hottest = function;
	}
}

static void add_weight(struct process_sum *sum, const struct sample_row *sample, bool is_kernel)
{
	sum->weight += sample->weight;
	sum->kernel += is_kernel ? sample->weight : 0;
	sum->n_samples += sample->count;
}

/* Samples without a thread are of a process that nothing is known of. */
static uint32_t thread_of_sample(struct processes *processes, const struct recording *recording,
				 uint32_t thread)
{
	if (!processes->by_thread[thread]) {
		const struct thread_row *row = recording_thread(recording, thread);
		processes->by_thread[thread] =
			thread_of(processes, process_of(processes, row), row) + 1;
	}
	return processes->by_thread[thread] - 1;
}

static void take_sample(struct processes *processes, const struct recording *recording,
			const struct sample_row *sample)
{
	uint32_t frame = recording_stack(recording, sample->stack)->frame;
	uint32_t function = frame ? recording_location(recording, frame)->function : 0;
	bool is_kernel = recording_frame(recording, frame)->flags & FRAME_KERNEL;
	uint32_t at = thread_of_sample(processes, recording, sample->thread);
	struct process_thread *thread = &processes->threads[at];
	struct process_row *process = &processes->rows[thread->process];
	add_weight(&thread->sum, sample, is_kernel);
	add_weight(&process->sum, sample, is_kernel);
	add_weight(&processes->all, sample, is_kernel);
	if (sample->time_ns > processes->last_ns)
		processes->last_ns = sample->time_ns;
	if (!function)
		return;
	uint32_t name = recording_function(recording, function)->name;
	add_to_spot(processes, &process->sum, (uint64_t)thread->process * 2, function, name,
		    sample->weight);
	add_to_spot(processes, &thread->sum, (uint64_t)at * 2 + 1, function, name, sample->weight);
}

static bool is_wanted(const struct processes *processes, const struct sample_row *sample)
{
	const struct processes_part *part = &processes->part;
	return sample->series == processes->series && sample->time_ns >= part->from_ns &&
	       (!part->to_ns || sample->time_ns < part->to_ns);
}

/* They wait, all of them, while the next one's frame has no name yet: as in tree.c. */
static bool take_samples(struct processes *processes, const struct recording *recording,
			 const struct moment *moment)
{
	uint64_t before = processes->next_sample, end = moment->n[TABLE_SAMPLES];
	if (processes->part.most && end > before + processes->part.most)
		end = before + processes->part.most;
	if (!processes->series)
		processes->series = export_series(recording, &(struct export_options){ 0 });
	for (; processes->next_sample < end; processes->next_sample++) {
		const struct sample_row *sample =
			recording_sample(recording, processes->next_sample);
		if (!is_wanted(processes, sample))
			continue;
		if (recording_stack(recording, sample->stack)->frame >= moment->n[TABLE_LOCATIONS])
			break;
		take_sample(processes, recording, sample);
	}
	return processes->next_sample != before;
}

static void begin_anew(struct processes *processes, const struct processes_part *part)
{
	for (size_t i = 0; i < processes->n_rows; i++)
		processes->rows[i].sum = (struct process_sum){ 0 };
	for (size_t i = 0; i < processes->n_threads; i++)
		processes->threads[i].sum = (struct process_sum){ 0 };
	hash_map_free(&processes->spots);
	processes->spots = (struct hash_map){ 0 };
	processes->n_spots = 0;
	processes->all = (struct process_sum){ 0 };
	processes->last_ns = 0;
	processes->next_sample = 1;
	processes->part = *part;
	processes->series = part->series;
}

bool processes_update(struct processes *processes, const struct recording *recording,
		      const struct processes_part *part)
{
	struct moment moment = recording_moment(recording);
	bool is_other = !processes->next_sample || part->from_ns != processes->part.from_ns ||
			part->to_ns != processes->part.to_ns ||
			part->series != processes->part.series;
	if (is_other)
		begin_anew(processes, part);
	processes->part.most = part->most;
	bool is_changed = take_threads(processes, recording, moment.n[TABLE_THREADS]);
	is_changed |= take_samples(processes, recording, &moment);
	return is_changed || is_other;
}

void processes_recent(struct processes *processes, const struct recording *recording,
		      uint64_t from_ns, uint64_t to_ns)
{
	for (size_t i = 0; i < processes->n_rows; i++)
		processes->rows[i].sum.recent = 0;
	for (size_t i = 0; i < processes->n_threads; i++)
		processes->threads[i].sum.recent = 0;
	processes->all.recent = 0;
	for (uint64_t id = processes->next_sample; id-- > 1;) {
		const struct sample_row *sample = recording_sample(recording, id);
		if (sample->time_ns + SLACK_NS < from_ns)
			break;
		if (!is_wanted(processes, sample) || sample->time_ns < from_ns ||
		    sample->time_ns >= to_ns)
			continue;
		struct process_thread *thread =
			&processes->threads[thread_of_sample(processes, recording, sample->thread)];
		thread->sum.recent += sample->weight;
		processes->rows[thread->process].sum.recent += sample->weight;
		processes->all.recent += sample->weight;
	}
}

void processes_free(struct processes *processes)
{
	free(processes->rows);
	free(processes->threads);
	free(processes->by_thread);
	free(processes->spot_weights);
	hash_map_free(&processes->places);
	hash_map_free(&processes->tids);
	hash_map_free(&processes->spots);
	*processes = (struct processes){ 0 };
}

size_t processes_bytes(const struct processes *processes)
{
	return processes->rows_capacity * sizeof *processes->rows +
	       processes->threads_capacity * sizeof *processes->threads +
	       processes->n_by_thread * sizeof *processes->by_thread +
	       processes->spots_capacity * sizeof *processes->spot_weights +
	       hash_map_bytes(&processes->places) + hash_map_bytes(&processes->tids) +
	       hash_map_bytes(&processes->spots);
}

bool processes_choice(const struct processes *processes, size_t row, struct thread_choice *out)
{
	const struct process_row *process = &processes->rows[row];
	*out = (struct thread_choice){ .pid = process->pid };
	if (!process->pid)
		out->name = process->name;
	return thread_choice_is_set(out);
}

bool processes_choice_of_thread(const struct processes *processes, size_t thread,
				struct thread_choice *out)
{
	bool is_any = processes_choice(processes, processes->threads[thread].process, out);
	out->tid = processes->threads[thread].tid;
	return is_any && out->tid;
}
