/* As function_lines weighs one event: a parent stack is older than its children, so one backward
 * loop adds up. */
#include "tui/code_sums.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/view.h"

static bool is_same(const struct rates *a, const struct rates *b)
{
	bool is_equal = a->n == b->n && a->n_sums == b->n_sums;
	for (size_t i = 0; is_equal && i < a->n_sums; i++)
		is_equal = a->sums[i].series == b->sums[i].series;
	return is_equal;
}

static void begin_anew(struct code_sums *sums)
{
	free(sums->self);
	free(sums->total);
	sums->self = sums->total = NULL;
	sums->n_stacks = 0;
	sums->next_sample = 1;
}

static void make_room(struct code_sums *sums, uint64_t n_stacks)
{
	size_t row = sums->rates.n_sums * sizeof(uint64_t);
	if (n_stacks <= sums->n_stacks)
		return;
	sums->self = reallocate(sums->self, n_stacks, row);
	sums->total = reallocate(sums->total, n_stacks, row);
	memset(sums->self + sums->n_stacks * sums->rates.n_sums, 0,
	       (n_stacks - sums->n_stacks) * row);
	sums->n_stacks = n_stacks;
}

static void take_samples(struct code_sums *sums, const struct recording *recording, uint64_t n)
{
	size_t n_sums = sums->rates.n_sums;
	if (!sums->self) /* no stack yet, so no sample */
		return;
	for (; sums->next_sample < n; sums->next_sample++) {
		const struct sample_row *row = recording_sample(recording, sums->next_sample);
		if (row->time_ns < sums->from_ns || (sums->to_ns && row->time_ns >= sums->to_ns) ||
		    !thread_choice_takes(&sums->only, recording, row->thread))
			continue;
		for (size_t i = 0; i < n_sums; i++)
			if (sums->rates.sums[i].series == row->series)
				sums->self[row->stack * n_sums + i] += row->weight;
	}
}

static void add_up(struct code_sums *sums, const struct recording *recording)
{
	size_t n = sums->rates.n_sums;
	memcpy(sums->total, sums->self, sums->n_stacks * n * sizeof *sums->total);
	for (uint64_t i = sums->n_stacks; i-- > 1;) {
		uint64_t parent = recording_stack(recording, i)->parent;
		for (size_t k = 0; k < n; k++)
			sums->total[parent * n + k] += sums->total[i * n + k];
	}
}

bool code_sums_update(struct code_sums *sums, const struct recording *recording, uint32_t series,
		      const struct view_focus *focus)
{
	struct moment moment = recording_moment(recording);
	struct rates rates;
	rates_find(&rates, recording, series);
	bool is_other = !is_same(&rates, &sums->rates) || sums->from_ns != focus->from_ns ||
			sums->to_ns != focus->to_ns ||
			!thread_choice_is_same(&sums->only, &focus->only);
	sums->rates = rates;
	sums->from_ns = focus->from_ns;
	sums->to_ns = focus->to_ns;
	sums->only = focus->only;
	if (is_other || sums->next_sample == 0)
		begin_anew(sums);
	if (rates.n == 0)
		return is_other;
	uint64_t before = sums->next_sample, n_before = sums->n_stacks;
	make_room(sums, moment.n[TABLE_STACKS]);
	take_samples(sums, recording, moment.n[TABLE_SAMPLES]);
	bool is_changed = sums->next_sample != before || sums->n_stacks != n_before;
	if (is_changed)
		add_up(sums, recording);
	return is_other || is_changed;
}

void code_sums_free(struct code_sums *sums)
{
	free(sums->self);
	free(sums->total);
	*sums = (struct code_sums){ 0 };
}

bool code_sums_any(const struct code_sums *sums, uint64_t stack)
{
	for (size_t i = 0; stack < sums->n_stacks && i < sums->rates.n_sums; i++)
		if (sums->total[stack * sums->rates.n_sums + i])
			return true;
	return false;
}

/* ---- rows */

static void make_rows(struct row_sums *rows, size_t n, size_t n_sums)
{
	size_t row = 2 * n_sums * sizeof(uint64_t);
	if (n > rows->capacity) {
		rows->capacity = n + n / 2;
		rows->values = reallocate(rows->values, rows->capacity, row);
	}
	if (n > rows->n_rows) {
		memset(rows->values + rows->n_rows * 2 * n_sums, 0, (n - rows->n_rows) * row);
		rows->n_rows = n;
	}
}

void row_sums_add(struct row_sums *rows, const struct code_sums *sums, size_t row, uint64_t stack,
		  bool is_self, bool is_outermost)
{
	size_t n = sums->rates.n_sums;
	if (sums->rates.n == 0 || stack >= sums->n_stacks)
		return;
	make_rows(rows, row + 1, n);
	uint64_t *values = rows->values + row * 2 * n;
	for (size_t i = 0; i < n; i++) {
		values[i] += is_self ? sums->self[stack * n + i] : 0;
		values[n + i] += is_outermost ? sums->total[stack * n + i] : 0;
	}
}

void row_sums_free(struct row_sums *rows)
{
	free(rows->values);
	*rows = (struct row_sums){ 0 };
}

const uint64_t *row_sums_of(const struct row_sums *rows, const struct code_sums *sums, size_t row,
			    bool is_self)
{
	size_t n = sums->rates.n_sums;
	if (row >= rows->n_rows)
		return NULL;
	return rows->values + row * 2 * n + (is_self ? 0 : n);
}
