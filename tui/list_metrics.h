/*
 * list_metrics: `stoke list metrics [NAME]`.
 */
#ifndef TUI_LIST_METRICS_H
#define TUI_LIST_METRICS_H

/*
 * list_metrics: all metric groups with their metrics on this CPU, or one group whole: what it
 * means, its events and formulas on this CPU, its source.
 * Returns  an exit status: 2 and a sentence when there is no group of that name
 */
int list_metrics(const char *name);

#endif
