/*
 * Readings become rows. Mean and deviation are summed as they come.
 * Source: B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares and
 * Products", Technometrics 4(3), 1962.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "counters/usage.h"
#include "tui/settings.h"
#include "tui/stat.h"

/* A row is as sure as its least sure value. */
static bool is_less_sure(enum origin a, enum origin b)
{
	return b == ORIGIN_UNAVAILABLE || (a == ORIGIN_SCALED && b != ORIGIN_SCALED);
}

void stat_row_add(struct stat_row *row, double value, enum origin origin, double running_ratio,
		  const char *reason)
{
	if (!isfinite(value)) {
		if (!row->reason.text[0])
			why_fail(&row->reason, "%s",
				 reason && reason[0] ? reason : "It was not counted.");
		return;
	}
	row->n++;
	double distance = value - row->mean;
	row->mean += distance / row->n;
	row->squares += distance * (value - row->mean);
	if (is_less_sure(origin, row->origin))
		row->origin = origin;
	if (isnan(row->running_ratio) || running_ratio < row->running_ratio)
		row->running_ratio = running_ratio;
}

double stat_row_deviation(const struct stat_row *row)
{
	return row->n < 2 ? NAN : sqrt(row->squares / (row->n - 1));
}

void stat_rows_clear(struct stat *stat)
{
	for (uint32_t i = 0; i < stat->n_rows; i++) {
		struct stat_row *row = &stat->rows[i];
		row->origin = ORIGIN_UNAVAILABLE;
		row->n = 0;
		row->mean = row->squares = 0;
		row->running_ratio = NAN;
		row->reason.text[0] = '\0';
	}
}

void stat_note(struct stat *stat, const char *text)
{
	for (uint32_t i = 0; i < stat->n_notes; i++)
		if (strcmp(stat->notes[i].text, text) == 0)
			return;
	if (stat->n_notes < MAX_STAT_NOTES)
		why_fail(&stat->notes[stat->n_notes++], "%s", text);
}

/* What is attached to is read in the unit of /proc; a child's time is known to the microsecond, but
 * is divided in the ratio of the ticks that met it in user code and in the kernel. */
static void explain_zero(const struct stat *stat, struct why *reason)
{
	struct timespec tick = { 0, 0 };
	if (settings_attach(stat->settings)) {
		why_fail(reason, "It is less than the %.3g ms that the kernel counts this time in.",
			 1e3 * usage_seconds(1));
		return;
	}
	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	why_fail(reason,
		 "No tick of the kernel's clock (every %.3g ms) met the program there, so all of "
		 "its time stands on the other side; run longer, or more often (-r).",
		 (double)tick.tv_nsec / 1e6);
}

void stat_check_times(struct stat *stat)
{
	for (uint32_t i = 0; i < stat->n_rows; i++) {
		struct stat_row *row = &stat->rows[i];
		bool is_divided = row->kind == STAT_TIME && strcmp(row->name, "elapsed") != 0;
		if (!is_divided || row->n == 0 || row->mean > 0)
			continue;
		row->n = 0;
		explain_zero(stat, &row->reason);
	}
}

static void add_count(struct stat_row *row, const struct count *count)
{
	stat_row_add(row, count->value, count->origin, count->running_ratio, count->reason);
}

static void subtract(const struct counted_event *events, uint32_t n_events, struct count *now,
		     const struct count *before, struct count *difference)
{
	for (uint32_t i = 0; i < n_events; i++)
		difference[i] = count_since(&events[i], &now[i], &before[i]);
}

static void evaluate_set(struct stat *stat, const struct stat_block *block,
			 const struct metric_counts *counts, double seconds)
{
	const struct metric_set *set = block->set;
	struct stat_row *row = &stat->rows[block->first_row];
	if (!set->section || set->absent.text[0]) {
		stat_row_add(row, NAN, ORIGIN_UNAVAILABLE, NAN, set->absent.text);
		return;
	}
	for (uint32_t i = 0; i < set->section->n_metrics; i++, row++) {
		struct formula_result result = metric_set_evaluate(set, counts, i, seconds);
		stat_row_add(row, result.value, result.origin, result.running_ratio,
			     result.reason.text);
	}
	for (uint32_t i = 0; i < set->section->n_events; i++, row++)
		add_count(row, &counts->whole[i]);
}

void stat_evaluate(struct stat *stat, bool is_difference, double seconds)
{
	for (uint32_t b = 0; b < stat->n_blocks; b++) {
		struct stat_block *block = &stat->blocks[b];
		const struct counted_event *events = block->events;
		uint32_t n_events = block->n_events;
		struct metric_counts counts = *block->now;
		if (is_difference && block->set)
			metric_counts_since(block->set, block->now, block->before, &counts);
		else if (is_difference)
			subtract(events, n_events, block->now->whole, block->before->whole,
				 counts.whole);
		if (block->set) {
			evaluate_set(stat, block, &counts, seconds);
			continue;
		}
		for (uint32_t i = 0; i < n_events; i++)
			add_count(&stat->rows[block->first_row + i], &counts.whole[i]);
	}
}
