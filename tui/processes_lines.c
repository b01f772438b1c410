/*
 * Everything is linear in processes, however deep they stand below each other: levels, links and
 * sums are made anew for each picture, and rows are found depth first with a stack of our own.
 */
#include "tui/processes_lines.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/processes.h"

enum { DEEPEST = UINT16_MAX };

/* ---- room */

static void make_room(struct processes_lines *lines, size_t n)
{
	if (n > lines->processes_capacity) {
		size_t capacity = n + n / 2 + 16;
		lines->with = reallocate(lines->with, capacity, sizeof *lines->with);
		lines->first_child =
			reallocate(lines->first_child, capacity, sizeof *lines->first_child);
		lines->next_sibling =
			reallocate(lines->next_sibling, capacity, sizeof *lines->next_sibling);
		lines->parents = reallocate(lines->parents, capacity, sizeof *lines->parents);
		lines->levels = reallocate(lines->levels, capacity, sizeof *lines->levels);
		lines->kept = reallocate(lines->kept, capacity, sizeof *lines->kept);
		lines->marks = reallocate(lines->marks, capacity, sizeof *lines->marks);
		lines->processes_capacity = capacity;
	}
	for (; lines->n_marks < n; lines->n_marks++)
		lines->marks[lines->n_marks] = 0;
}

static struct processes_line *add_line(struct processes_lines *lines, uint32_t process,
				       uint32_t thread)
{
	if (lines->n == lines->capacity) {
		lines->capacity = lines->capacity ? lines->capacity * 2 : 256;
		lines->rows = reallocate(lines->rows, lines->capacity, sizeof *lines->rows);
	}
	lines->rows[lines->n] = (struct processes_line){ .process = process, .thread = thread };
	return &lines->rows[lines->n++];
}

/* ---- who is below whom */

enum { LEVEL_UNKNOWN = UINT32_MAX, LEVEL_BEING_FOUND = UINT32_MAX - 1 };

static void push(struct processes_lines *lines, uint32_t process)
{
	if (lines->n_stack == lines->stack_capacity) {
		lines->stack_capacity = lines->stack_capacity ? lines->stack_capacity * 2 : 256;
		lines->stack =
			reallocate(lines->stack, lines->stack_capacity, sizeof *lines->stack);
	}
	lines->stack[lines->n_stack++] = process;
}

/* Up to one whose level is known, then down again. A parent that is being found is a ring: cut. */
static void find_level(struct processes_lines *lines, const struct processes *processes,
		       uint32_t process)
{
	uint32_t at = process + 1;
	while (at && lines->levels[at - 1] == LEVEL_UNKNOWN) {
		lines->levels[at - 1] = LEVEL_BEING_FOUND;
		push(lines, at - 1);
		at = processes->rows[at - 1].parent;
	}
	while (lines->n_stack > 0) {
		uint32_t below = lines->stack[--lines->n_stack];
		uint32_t parent = processes->rows[below].parent;
		if (parent && lines->levels[parent - 1] == LEVEL_BEING_FOUND)
			parent = 0;
		lines->parents[below] = parent;
		lines->levels[below] = parent ? lines->levels[parent - 1] + 1 : 0;
	}
}

static void find_levels(struct processes_lines *lines, const struct processes *processes,
			bool is_tree)
{
	size_t n = processes->n_rows;
	for (size_t i = 0; i < n; i++) {
		lines->levels[i] = is_tree ? LEVEL_UNKNOWN : 0;
		lines->parents[i] = lines->first_child[i] = lines->next_sibling[i] = 0;
	}
	for (uint32_t i = 0; is_tree && i < n; i++)
		find_level(lines, processes, i);
	for (size_t i = n; i-- > 0;) {
		uint32_t parent = lines->parents[i];
		if (!parent)
			continue;
		lines->next_sibling[i] = lines->first_child[parent - 1];
		lines->first_child[parent - 1] = (uint32_t)i + 1;
	}
}

/* Those above first; then backwards, so that each is whole before it is added to its parent. */
static void sum_upwards(struct processes_lines *lines, const struct processes *processes,
			const struct processes_order *order)
{
	size_t n = processes->n_rows;
	for (uint32_t i = 0; i < n; i++) {
		struct processes_line line = { .process = i };
		lines->with[i] = processes->rows[i].sum.weight;
		lines->kept[i] = !order->is_found || order->is_found(order->of, &line);
		if (!lines->parents[i])
			push(lines, i);
	}
	for (size_t next = 0; next < lines->n_stack; next++)
		for (uint32_t at = lines->first_child[lines->stack[next]]; at;
		     at = lines->next_sibling[at - 1])
			push(lines, at - 1);
	while (lines->n_stack > 0) {
		uint32_t at = lines->stack[--lines->n_stack], parent = lines->parents[at];
		if (!parent)
			continue;
		lines->with[parent - 1] += lines->with[at];
		lines->kept[parent - 1] |= lines->kept[at];
	}
}

/* ---- rows */

struct walk {
	struct processes_lines *lines;
	const struct processes *processes;
	const struct processes_order *order;
};

/* As compare() of the order, turned round: what comes first is taken from the stack's end. */
static int compare_processes(const void *a, const void *b, void *opaque)
{
	const struct walk *walk = opaque;
	struct processes_line left = { .process = *(const uint32_t *)a },
			      right = { .process = *(const uint32_t *)b };
	int order = walk->order->compare(walk->order->of, &left, &right);
	if (order)
		return -order;
	return left.process > right.process ? -1 : 1;
}

static int compare_threads(const void *a, const void *b, void *opaque)
{
	const struct walk *walk = opaque;
	const struct processes_line *left = a, *right = b;
	int order = walk->order->compare(walk->order->of, left, right);
	if (order)
		return order;
	return left->thread < right->thread ? -1 : 1;
}

static void sort_pushed(struct walk *walk, size_t first)
{
	struct processes_lines *lines = walk->lines;
	if (lines->n_stack - first > 1)
		qsort_r(lines->stack + first, lines->n_stack - first, sizeof *lines->stack,
			compare_processes, walk);
}

static void push_roots(struct walk *walk)
{
	struct processes_lines *lines = walk->lines;
	for (uint32_t i = 0; i < walk->processes->n_rows; i++)
		if (lines->kept[i] && !lines->parents[i])
			push(lines, i);
	sort_pushed(walk, 0);
}

static bool has_kept_children(const struct processes_lines *lines, uint32_t process)
{
	for (uint32_t at = lines->first_child[process]; at; at = lines->next_sibling[at - 1])
		if (lines->kept[at - 1])
			return true;
	return false;
}

static void push_children(struct walk *walk, uint32_t process)
{
	struct processes_lines *lines = walk->lines;
	size_t first = lines->n_stack;
	for (uint32_t at = lines->first_child[process]; at; at = lines->next_sibling[at - 1])
		if (lines->kept[at - 1])
			push(lines, at - 1);
	sort_pushed(walk, first);
}

static void add_threads(struct walk *walk, uint32_t process, unsigned level)
{
	struct processes_lines *lines = walk->lines;
	const struct processes *processes = walk->processes;
	size_t first = lines->n;
	for (uint32_t at = processes->rows[process].first_thread; at;
	     at = processes->threads[at - 1].next)
		add_line(lines, process, at)->level = (uint16_t)level;
	qsort_r(lines->rows + first, lines->n - first, sizeof *lines->rows, compare_threads, walk);
}

/* A process that is a single thread under a single name has nothing more to tell. */
static bool has_threads(const struct processes *processes, uint32_t process)
{
	const struct process_row *row = &processes->rows[process];
	return row->first_thread != row->last_thread;
}

static void show(struct walk *walk, uint32_t process)
{
	struct processes_lines *lines = walk->lines;
	uint32_t deep = lines->levels[process];
	unsigned level = deep < DEEPEST ? deep : DEEPEST - 1, mark = lines->marks[process];
	bool has_below = has_kept_children(lines, process);
	bool has_more = has_threads(walk->processes, process);
	bool shows_below = has_below && !(mark & PROCESSES_CLOSED);
	bool shows_threads = has_more && mark & PROCESSES_THREADS;
	struct processes_line *line = add_line(lines, process, 0);
	line->level = (uint16_t)level;
	line->can_open = (has_below && !shows_below) || (has_more && !shows_threads);
	line->can_close = shows_below || shows_threads;
	if (shows_threads)
		add_threads(walk, process, level + 1);
	if (shows_below)
		push_children(walk, process);
}

void processes_lines_find(struct processes_lines *lines, const struct processes *processes,
			  bool is_tree, const struct processes_order *order, size_t most)
{
	struct walk walk = { lines, processes, order };
	lines->n = lines->n_stack = 0;
	if (processes->n_rows == 0)
		return;
	make_room(lines, processes->n_rows);
	find_levels(lines, processes, is_tree);
	sum_upwards(lines, processes, order);
	push_roots(&walk);
	while (lines->n_stack > 0 && lines->n < most)
		show(&walk, lines->stack[--lines->n_stack]);
}

/* ---- opening and closing */

bool processes_lines_open(struct processes_lines *lines, const struct processes_line *line)
{
	uint8_t *mark = &lines->marks[line->process];
	if (line->thread || !line->can_open)
		return false;
	if (*mark & PROCESSES_CLOSED)
		*mark &= (uint8_t)~PROCESSES_CLOSED;
	else
		*mark |= PROCESSES_THREADS;
	return true;
}

bool processes_lines_close(struct processes_lines *lines, const struct processes_line *line)
{
	uint8_t *mark = &lines->marks[line->process];
	if (line->thread || !line->can_close)
		return false;
	if (*mark & PROCESSES_THREADS)
		*mark &= (uint8_t)~PROCESSES_THREADS;
	else
		*mark |= PROCESSES_CLOSED;
	return true;
}

void processes_lines_all(struct processes_lines *lines, const struct processes *processes,
			 bool is_open)
{
	make_room(lines, processes->n_rows);
	for (size_t i = 0; i < processes->n_rows; i++)
		lines->marks[i] = is_open ? PROCESSES_THREADS : PROCESSES_CLOSED;
}

void processes_lines_free(struct processes_lines *lines)
{
	free(lines->rows);
	free(lines->marks);
	free(lines->with);
	free(lines->first_child);
	free(lines->next_sibling);
	free(lines->parents);
	free(lines->levels);
	free(lines->kept);
	free(lines->stack);
	*lines = (struct processes_lines){ 0 };
}
