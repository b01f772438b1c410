/*
 * processes_lines: the rows of the list of processes: each with its threads below it where it has
 * been opened; and as a tree, where processes stand below those that made them.
 */
#ifndef TUI_PROCESSES_LINES_H
#define TUI_PROCESSES_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct processes;

struct processes_line {
	uint32_t process; /* place in processes.rows */
	uint32_t thread;  /* place in processes.threads + 1; 0 = the process itself */
	uint16_t level;
	bool can_open;  /* more of it could be shown */
	bool can_close; /* something of it is shown below it */
};

/* Of siblings, which comes first: negative = a. */
struct processes_order {
	int (*compare)(const void *of, const struct processes_line *a,
		       const struct processes_line *b);
	/* Whether a search, if there is one, leaves it; NULL = everything stays. */
	bool (*is_found)(const void *of, const struct processes_line *line);
	const void *of;
};

struct processes_lines {
	struct processes_line *rows;
	size_t n, capacity;
	uint8_t *marks; /* by process: PROCESSES_* */
	size_t n_marks;
	uint64_t *with; /* by process: weight with that of all below it, as a tree */
	/* By process, as a tree: places + 1; where parents made a ring it is cut. */
	uint32_t *parents, *first_child, *next_sibling;
	uint32_t *levels;
	uint8_t *kept; /* by process: it, or one below it, is found */
	size_t processes_capacity;
	uint32_t *stack; /* while rows are found */
	size_t n_stack, stack_capacity;
};

enum {
	PROCESSES_THREADS = 1, /* its threads are shown */
	PROCESSES_CLOSED = 2,  /* those that it made are not */
};

/*
 * processes_lines_find: the rows, in their order, at most `most`. Where parents make a ring, which
 * only a damaged file says, the ring is cut.
 * Cost  some 100 ns a process and row
 */
void processes_lines_find(struct processes_lines *lines, const struct processes *processes,
			  bool is_tree, const struct processes_order *order, size_t most);

/* processes_lines_open: one step: what it made, then its threads; _close: the other way round.
 * Return false if there was nothing to open or to close. */
bool processes_lines_open(struct processes_lines *lines, const struct processes_line *line);
bool processes_lines_close(struct processes_lines *lines, const struct processes_line *line);
void processes_lines_all(struct processes_lines *lines, const struct processes *processes,
			 bool is_open);
void processes_lines_free(struct processes_lines *lines);

#endif
