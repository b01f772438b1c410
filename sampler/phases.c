/*
 * Spans of one owner (a thread, a process, nobody) are a treap in order of their beginnings that
 * knows of each part when its last span ends: insertion in any order and the innermost phase of a
 * time are both O(log n). Phases that are still open come first, and again when they have ended.
 * Source  Seidel and Aragon, Randomized Search Trees, Algorithmica 16 (1996)
 */
#include "sampler/phases.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/mix.h"
#include "sampler/base/why.h"
#include "sampler/hash_map.h"
#include "sampler/recording.h"

static const uint64_t NOT_ENDED = UINT64_MAX;
/* A thread's row may be a little younger than the first of its samples from another CPU. */
static const uint64_t SLACK_NS = 1000000000;

/* In order: by beginning, of equal ones the longer first. */
struct node {
	uint64_t from_ns, to_ns, last_ns; /* last_ns: the latest end at and below */
	uint32_t name, row;               /* row: of the spans */
	uint32_t left, right;             /* 0 = none */
};

struct change {
	uint64_t from_ns, to_ns;
};

struct phases {
	const struct recording *recording;
	struct node *nodes; /* from 1 on */
	uint32_t n_nodes, capacity;
	struct hash_map threads, processes; /* owner -> the root of its spans */
	struct hash_map first_rows;         /* thread -> the first row it has */
	uint32_t of_nobody;                 /* root */
	struct change *changes;             /* one a span taken in */
	uint64_t n_changes, changes_capacity;
	uint64_t next_span, next_thread, n_open;
	uint32_t is, is_not; /* series looked at last: named "phases", and not */
};

struct phases *phases_open(const struct recording *recording)
{
	struct phases *phases = allocate(1, sizeof *phases);
	phases->recording = recording;
	phases->n_nodes = 1;
	phases->next_span = phases->next_thread = 1;
	return phases;
}

void phases_close(struct phases *phases)
{
	if (!phases)
		return;
	hash_map_free(&phases->threads);
	hash_map_free(&phases->processes);
	hash_map_free(&phases->first_rows);
	free(phases->nodes);
	free(phases->changes);
	free(phases);
}

/* ---- treap */

static bool is_before(const struct node *a, const struct node *b)
{
	if (a->from_ns != b->from_ns)
		return a->from_ns < b->from_ns;
	if (a->to_ns != b->to_ns)
		return a->to_ns > b->to_ns;
	/* Inner phases are told before those around them when they end, behind them as open ones.
	 */
	return a->to_ns == NOT_ENDED ? a->row < b->row : a->row > b->row;
}

/* Looks random and is the same each time. */
static uint32_t priority_of(uint32_t node)
{
	return (uint32_t)(mix_bits(node * MIX_STEP) >> 32);
}

static void sum_up(struct node *nodes, uint32_t at)
{
	struct node *node = &nodes[at];
	node->last_ns = node->to_ns;
	if (node->left && nodes[node->left].last_ns > node->last_ns)
		node->last_ns = nodes[node->left].last_ns;
	if (node->right && nodes[node->right].last_ns > node->last_ns)
		node->last_ns = nodes[node->right].last_ns;
}

/* What is before the node `by`, and what is not. */
static void split(struct node *nodes, uint32_t at, uint32_t by, uint32_t *before, uint32_t *rest)
{
	if (!at) {
		*before = *rest = 0;
	} else if (is_before(&nodes[at], &nodes[by])) {
		split(nodes, nodes[at].right, by, &nodes[at].right, rest);
		*before = at;
		sum_up(nodes, at);
	} else {
		split(nodes, nodes[at].left, by, before, &nodes[at].left);
		*rest = at;
		sum_up(nodes, at);
	}
}

static uint32_t join(struct node *nodes, uint32_t left, uint32_t right)
{
	if (!left || !right)
		return left ? left : right;
	if (priority_of(left) > priority_of(right)) {
		nodes[left].right = join(nodes, nodes[left].right, right);
		sum_up(nodes, left);
		return left;
	}
	nodes[right].left = join(nodes, left, nodes[right].left);
	sum_up(nodes, right);
	return right;
}

static uint32_t insert(struct node *nodes, uint32_t root, uint32_t node)
{
	uint32_t before, rest;
	split(nodes, root, node, &before, &rest);
	return join(nodes, join(nodes, before, node), rest);
}

/* Takes the open span out that `like` ends; *found: its place, 0 if there is none. */
static uint32_t take_out(struct node *nodes, uint32_t at, const struct node *like, uint32_t *found)
{
	if (!at)
		return 0;
	struct node *node = &nodes[at];
	if (node->to_ns == NOT_ENDED && node->from_ns == like->from_ns &&
	    node->name == like->name) {
		*found = at;
		return join(nodes, node->left, node->right);
	}
	if (like->from_ns <= node->from_ns)
		node->left = take_out(nodes, node->left, like, found);
	if (!*found && like->from_ns >= node->from_ns)
		node->right = take_out(nodes, node->right, like, found);
	sum_up(nodes, at);
	return at;
}

/* The last in order that contains the time. Below a node that is not too late all is earlier, so
 * there is one where last_ns says so, and no way is gone twice. */
static uint32_t innermost(const struct node *nodes, uint32_t at, uint64_t time_ns)
{
	if (!at || nodes[at].last_ns <= time_ns)
		return 0;
	if (nodes[at].from_ns > time_ns)
		return innermost(nodes, nodes[at].left, time_ns);
	uint32_t found = innermost(nodes, nodes[at].right, time_ns);
	if (found)
		return found;
	return nodes[at].to_ns > time_ns ? at : innermost(nodes, nodes[at].left, time_ns);
}

/* ---- taking in */

static uint32_t new_node(struct phases *phases, const struct node *like)
{
	if (phases->n_nodes >= phases->capacity) {
		phases->capacity = phases->capacity ? phases->capacity * 2 : 256;
		phases->nodes = reallocate(phases->nodes, phases->capacity, sizeof *phases->nodes);
	}
	uint32_t at = phases->n_nodes++;
	phases->nodes[at] = *like;
	return at;
}

/* Into the spans of one owner. is_end: it may end one that was there as open. Returns true if it
 * does. */
static bool put(struct phases *phases, uint32_t *root, const struct node *span, bool is_end)
{
	uint32_t open = 0;
	if (is_end)
		*root = take_out(phases->nodes, *root, span, &open);
	uint32_t at = open ? open : new_node(phases, span);
	struct node *node = &phases->nodes[at];
	*node = *span;
	node->last_ns = span->to_ns;
	*root = insert(phases->nodes, *root, at);
	return open != 0;
}

static uint64_t thread_key(const struct thread_row *row)
{
	uint64_t key = ((uint64_t)row->pid << 32 | row->tid) + 1;
	return key ? key : 1; /* 0 is no key */
}

static void add_change(struct phases *phases, uint64_t from_ns, uint64_t to_ns)
{
	if (phases->n_changes == phases->changes_capacity) {
		phases->changes_capacity =
			phases->changes_capacity ? phases->changes_capacity * 2 : 256;
		phases->changes = reallocate(phases->changes, phases->changes_capacity,
					     sizeof *phases->changes);
	}
	phases->changes[phases->n_changes++] = (struct change){ from_ns, to_ns };
}

/* A thread's first phase takes it out of its process's: all it has done looks anew. */
static uint64_t start_of(const struct phases *phases, uint64_t key)
{
	uint32_t first = hash_map_get(&phases->first_rows, key);
	uint64_t start_ns = recording_thread(phases->recording, first)->start_ns;
	return start_ns > SLACK_NS ? start_ns - SLACK_NS : 0;
}

static void add_span(struct phases *phases, uint32_t thread, const struct node *span)
{
	uint64_t from_ns = span->from_ns, to_ns = span->to_ns;
	bool is_end = span->to_ns != NOT_ENDED && phases->n_open;
	if (thread) {
		const struct thread_row *row = recording_thread(phases->recording, thread);
		uint64_t key = thread_key(row), start_ns = start_of(phases, key);
		uint32_t *root = hash_map_at(&phases->threads, key);
		if (!*root) {
			from_ns = start_ns < from_ns ? start_ns : from_ns;
			to_ns = NOT_ENDED;
		}
		is_end = put(phases, root, span, is_end);
		root = hash_map_at(&phases->processes, (uint64_t)row->pid + 1);
		put(phases, root, span, is_end); /* not another thread's of that name and time */
	} else {
		is_end = put(phases, &phases->of_nobody, span, is_end);
	}
	phases->n_open += span->to_ns == NOT_ENDED;
	phases->n_open -= is_end;
	/* What was open went on until now. */
	add_change(phases, from_ns, is_end ? NOT_ENDED : to_ns);
}

static bool is_phase(struct phases *phases, uint32_t series)
{
	const struct recording *recording = phases->recording;
	if (series != phases->is && series != phases->is_not) {
		const char *name =
			recording_string_at(recording, recording_series(recording, series)->name);
		*(strcmp(name, "phases") == 0 ? &phases->is : &phases->is_not) = series;
	}
	return series && series == phases->is;
}

static void take_threads(struct phases *phases, uint64_t n)
{
	for (; phases->next_thread < n; phases->next_thread++) {
		const struct thread_row *row =
			recording_thread(phases->recording, phases->next_thread);
		uint32_t *first = hash_map_at(&phases->first_rows, thread_key(row));
		if (!*first)
			*first = (uint32_t)phases->next_thread;
	}
}

bool phases_update(struct phases *phases, const struct moment *moment)
{
	uint64_t n_before = phases->n_changes;
	take_threads(phases, moment->n[TABLE_THREADS]);
	for (; phases->next_span < moment->n[TABLE_SPANS]; phases->next_span++) {
		const struct span_row *row = recording_span(phases->recording, phases->next_span);
		struct node span = { .from_ns = row->start_ns,
				     .name = row->name,
				     .row = (uint32_t)phases->next_span };
		span.to_ns = row->start_ns + row->duration_ns;
		if (span_is_open(row) || span.to_ns < span.from_ns)
			span.to_ns = NOT_ENDED;
		if (is_phase(phases, row->series))
			add_span(phases, row->thread, &span);
	}
	return phases->n_changes > n_before;
}

/* ---- asking */

uint32_t phases_at(const struct phases *phases, uint32_t thread, uint64_t time_ns)
{
	uint32_t root = 0;
	if (thread) {
		const struct thread_row *row = recording_thread(phases->recording, thread);
		root = hash_map_get(&phases->threads, thread_key(row));
		if (!root)
			root = hash_map_get(&phases->processes, (uint64_t)row->pid + 1);
	}
	uint32_t at = innermost(phases->nodes, root, time_ns);
	if (!at)
		at = innermost(phases->nodes, phases->of_nobody, time_ns);
	return at ? phases->nodes[at].name : 0;
}

uint64_t phases_n(const struct phases *phases)
{
	return phases->n_changes;
}

bool phases_changed(const struct phases *phases, uint64_t n_before, uint64_t *from_ns,
		    uint64_t *to_ns)
{
	*from_ns = UINT64_MAX;
	*to_ns = 0;
	for (uint64_t i = n_before; i < phases->n_changes; i++) {
		const struct change *change = &phases->changes[i];
		*from_ns = change->from_ns < *from_ns ? change->from_ns : *from_ns;
		*to_ns = change->to_ns > *to_ns ? change->to_ns : *to_ns;
	}
	return n_before < phases->n_changes;
}

size_t phases_bytes(const struct phases *phases)
{
	if (!phases)
		return 0;
	return sizeof *phases + phases->capacity * sizeof *phases->nodes +
	       phases->changes_capacity * sizeof *phases->changes +
	       hash_map_bytes(&phases->threads) + hash_map_bytes(&phases->processes) +
	       hash_map_bytes(&phases->first_rows);
}
