/* Copies in a growing block, sorted when a round ends; what is not yet complete moves to its front.
 */
#include "sampler/perf_data_order.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"

/* Files without rounds (of other tools) would be held whole. */
static const size_t MOST_BYTES = (size_t)512 << 20;

enum { FIRST_BYTES = 1 << 20, FIRST_WAITING = 4096 };

static int compare(const void *a, const void *b)
{
	const struct perf_data_waiting *left = a, *right = b;
	if (left->time_ns != right->time_ns)
		return left->time_ns < right->time_ns ? -1 : 1;
	return left->at < right->at ? -1 : left->at > right->at;
}

/* What is left, in its order, at the front of a fresh block. */
static void keep_from(struct perf_data_order *order, size_t first)
{
	size_t n_bytes = 0, n = order->n_waiting - first;
	if (first == 0)
		return;
	uint8_t *bytes = n ? allocate(order->capacity_bytes, 1) : order->bytes;
	for (size_t i = 0; i < n; i++) {
		struct perf_data_waiting waiting = order->waiting[first + i];
		struct perf_event_header header;
		memcpy(&header, order->bytes + waiting.at, sizeof header);
		memcpy(bytes + n_bytes, order->bytes + waiting.at, header.size);
		order->waiting[i] = (struct perf_data_waiting){ waiting.time_ns, n_bytes };
		n_bytes += (header.size + 7u) / 8 * 8;
	}
	if (bytes != order->bytes)
		free(order->bytes);
	order->bytes = bytes;
	order->n_bytes = n_bytes;
	order->n_waiting = n;
}

static void sort(struct perf_data_order *order)
{
	if (order->n_waiting)
		qsort(order->waiting, order->n_waiting, sizeof *order->waiting, compare);
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
	}
	if (order->n_waiting < order->capacity)
		return;
	order->capacity = order->capacity ? order->capacity * 2 : FIRST_WAITING;
	order->waiting = reallocate(order->waiting, order->capacity, sizeof *order->waiting);
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
	free(order->waiting);
	order->bytes = NULL;
	order->waiting = NULL;
	order->n_bytes = order->capacity_bytes = order->n_waiting = order->capacity = 0;
}
