/*
 * export_metrics: what is no stack, as flat records: every series, every reading, every span, each
 * with where it comes from and why it is not better. What tables of metrics are written from.
 */
#ifndef SAMPLER_EXPORT_METRICS_H
#define SAMPLER_EXPORT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct export_options;
struct recording;

enum metric_kind { METRIC_SERIES, METRIC_READING, METRIC_SPAN };

/*
 * One record. NaN is unknown, and is written as nothing (CSV) or null (JSON); texts are "" then.
 * A series of samples has their sum as its value and their number as its count; any other series
 * has its number of readings or spans, and its values in their own records.
 */
struct metric_record {
	enum metric_kind kind;
	double time_s;              /* since the recording began; NaN for a series */
	double duration_s;          /* spans; else NaN */
	double value;               /* never a number when nothing was measured */
	double running_ratio;       /* share of the time it was counted; NaN for spans */
	double count;               /* NaN but for series */
	double flops, bytes, items; /* exact work in a span; NaN = not stated */
	const char *series, *unit, *name, *provenance, *source, *device, *reason, *remedy;
	const char *trust; /* of a series of an event that was graded: "B (+4.00 %)"; else "" */
	uint32_t thread;   /* TABLE_THREADS; 0 = the whole target or machine */
};

/*
 * export_metrics_each: all records in the window, series first, then readings, then spans.
 * take     returns false to end early
 * Cost     one pass of the samples, then the records
 */
void export_metrics_each(const struct recording *recording, const struct export_options *options,
			 bool (*take)(void *opaque, const struct metric_record *record),
			 void *opaque);

/* A record as columns, in the order in which formats write them. */
struct metric_column {
	const char *name; /* with the unit where it has a fixed one: "time_s" */
	const char *text; /* NULL = `number` */
	double number;
};

enum { N_METRIC_COLUMNS = 21 };

/* export_metric_columns: out has N_METRIC_COLUMNS entries; borrowed from the record. */
void export_metric_columns(const struct recording *recording, const struct metric_record *record,
			   struct metric_column *out);

#endif
