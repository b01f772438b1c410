/*
 * export_rows: the samples an export is about, by thread and in order of time.
 */
#ifndef SAMPLER_EXPORT_ROWS_H
#define SAMPLER_EXPORT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct export_options;
struct recording;
struct sample_row;
struct span_row;

struct export_thread {
	uint32_t thread; /* TABLE_THREADS; a renamed thread is one more */
	size_t first, n; /* its part of `samples` */
	uint64_t n_samples, weight;
};

struct export_rows {
	uint32_t series;   /* 0 = there are no samples */
	uint32_t *samples; /* ids of TABLE_SAMPLES */
	size_t n;
	struct export_thread *threads; /* those with samples, in order of id */
	size_t n_threads;
};

/* export_is_in: whether a time is in the window that is exported. */
bool export_is_in(const struct export_options *options, uint64_t time_ns);

/* export_span_is_in: whether a span reaches into the window, as recording_window() takes them. */
bool export_span_is_in(const struct export_options *options, const struct span_row *span);

/* export_series: the series an export is about; 0 = the recording has no samples. */
uint32_t export_series(const struct recording *recording, const struct export_options *options);

/* export_rows_open: Cost: 4 bytes a row; 30 ms for 1 M rows. */
struct export_rows *export_rows_open(const struct recording *recording,
				     const struct export_options *options);
void export_rows_close(struct export_rows *rows);

/* export_thread_name: "pool-1 (4711/4712)", or the name alone where there are no ids, as in
 * folded text; written to out. */
char *export_thread_name(const struct recording *recording, uint32_t thread, char *out,
			 size_t bytes);

/* export_fact: the last value of a key of TABLE_FACTS; NULL if nobody stated it. */
const char *export_fact(const struct recording *recording, const char *key);

/* export_fact_is_shown: is it one value for people, not a row of a table (recording.h)? */
bool export_fact_is_shown(const char *key);

/* export_relative_ns: a time since the recording began; 0 for what lies before it. */
uint64_t export_relative_ns(const struct recording *recording, uint64_t time_ns);

#endif
