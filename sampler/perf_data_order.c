/* Copies in a growing block, sorted when a round ends; what is not yet complete moves to its front.
 */
#include "sampler/perf_data_order.h"

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"

/* Files without rounds (of other tools) would be held whole. */
static const size_t MOST_BYTES = (size_t)512 << 20;

enum { FIRST_BYTES = 1 << 20, FIRST_WAITING = 4096 };

static bool is_older(const struct perf_data_waiting *a, const struct perf_data_waiting *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->at < b->at;
}

/* The end of the run that is in order already: each CPU's records are. */
static size_t end_of_run(const struct perf_data_order *order, size_t from)
{
	size_t to = from + 1;
	while (to < order->n_waiting && !is_older(&order->waiting[to], &order->waiting[to - 1]))
		to++;
	return to < order->n_waiting ? to : order->n_waiting;
}

static void merge(struct perf_data_order *order, size_t from, size_t middle, size_t to)
{
	const struct perf_data_waiting *waiting = order->waiting;
	size_t left = from, right = middle;
	for (size_t out = from; out < to; out++) {
		bool is_left = left < middle &&
			       (right == to || !is_older(&waiting[right], &waiting[left]));
		order->sorted[out] = is_left ? waiting[left++] : waiting[right++];
	}
}

/* Two runs become one until there is only one: a few CPUs' runs take a few passes. */
static void sort(struct perf_data_order *order)
{
	while (order->n_waiting > 1 && end_of_run(order, 0) < order->n_waiting) {
		for (size_t from = 0; from < order->n_waiting;) {
			size_t middle = end_of_run(order, from);
			size_t to = middle < order->n_waiting ? end_of_run(order, middle) : middle;
			merge(order, from, middle, to);
			from = to;
		}
		struct perf_data_waiting *swap = order->waiting;
		order->waiting = order->sorted;
		order->sorted = swap;
	}
}

/* What is left, in its order, at the front of the other block. */
static void keep_from(struct perf_data_order *order, size_t first)
{
	size_t n_bytes = 0, n = order->n_waiting - first;
	if (first == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct perf_data_waiting waiting = order->waiting[first + i];
		struct perf_event_header header;
		memcpy(&header, order->bytes + waiting.at, sizeof header);
		memcpy(order->spare + n_bytes, order->bytes + waiting.at, header.size);
		order->waiting[i] = (struct perf_data_waiting){ waiting.time_ns, n_bytes };
		n_bytes += (header.size + 7u) / 8 * 8;
	}
	uint8_t *swap = order->bytes;
	order->bytes = order->spare;
	order->spare = swap;
	order->n_bytes = n_bytes;
	order->n_waiting = n;
}

static void give_until(struct perf_data_order *order, uint64_t limit_ns)
{
	size_t i = 0;
	sort(order);
	for (; i < order->n_waiting && order->waiting[i].time_ns <= limit_ns; i++) {
		const struct perf_data_waiting *waiting = &order->waiting[i];
		if (waiting->time_ns < order->given_ns)
			order->n_late++;
		else
			order->given_ns = waiting->time_ns;
		order->take(order->opaque, (const void *)(order->bytes + waiting->at));
	}
	keep_from(order, i);
}

static void make_room(struct perf_data_order *order, size_t n_bytes)
{
	if (order->n_bytes + n_bytes > MOST_BYTES) {
		sort(order);
		give_until(order, order->waiting[order->n_waiting / 2].time_ns);
	}
	while (order->n_bytes + n_bytes > order->capacity_bytes) {
		order->capacity_bytes =
			order->capacity_bytes ? order->capacity_bytes * 2 : FIRST_BYTES;
		order->bytes = reallocate(order->bytes, order->capacity_bytes, 1);
		order->spare = reallocate(order->spare, order->capacity_bytes, 1);
	}
	if (order->n_waiting < order->capacity)
		return;
	order->capacity = order->capacity ? order->capacity * 2 : FIRST_WAITING;
	order->waiting = reallocate(order->waiting, order->capacity, sizeof *order->waiting);
	order->sorted = reallocate(order->sorted, order->capacity, sizeof *order->sorted);
}

void perf_data_order_add(struct perf_data_order *order, const uint8_t *record, size_t n_bytes,
			 uint64_t time_ns)
{
	size_t padded = (n_bytes + 7) / 8 * 8;
	make_room(order, padded);
	memcpy(order->bytes + order->n_bytes, record, n_bytes);
	order->waiting[order->n_waiting++] = (struct perf_data_waiting){ time_ns, order->n_bytes };
	order->n_bytes += padded;
	if (time_ns > order->newest_ns)
		order->newest_ns = time_ns;
}

void perf_data_order_round(struct perf_data_order *order)
{
	give_until(order, order->complete_ns);
	order->complete_ns = order->newest_ns;
}

void perf_data_order_end(struct perf_data_order *order)
{
	give_until(order, UINT64_MAX);
	free(order->bytes);
	free(order->spare);
	free(order->waiting);
	free(order->sorted);
	order->bytes = order->spare = NULL;
	order->waiting = order->sorted = NULL;
	order->n_bytes = order->capacity_bytes = order->n_waiting = order->capacity = 0;
}
