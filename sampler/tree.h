/*
 * tree: a recording's stacks merged by function, inline frames spread out: what flame graphs,
 * function tables and folded text are drawn from.
 *
 * It grows with the recording: an update looks only at rows that are new. Nodes are in creation
 * order, so a parent's id is below its children's, one backward loop sums and one forward loop
 * lays out, and boxes keep their place while the view is live.
 */
#ifndef SAMPLER_TREE_H
#define SAMPLER_TREE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/thread_choice.h"

struct recording;
struct sample_row;

enum tree_root {
	TREE_ROOT_NONE,    /* stacks hang directly under node 0 */
	TREE_ROOT_NAME,    /* first level: the thread's name (as flamegraph tools expect) */
	TREE_ROOT_PROCESS, /* "name-pid" */
	TREE_ROOT_THREAD,  /* "name-pid/tid" */
	TREE_ROOT_PHASE,   /* the phase that the sample's thread was in (phases.h) */
};

/* What the tree shows. Changing anything needs a new tree (tree_open again). */
struct tree_options {
	enum tree_root root;
	bool is_inverted;       /* bottom-up: leaf first */
	bool hide_kernel;       /* drop kernel frames, keep their weight in the caller */
	bool fold_recursion;    /* a function directly below itself is one node */
	bool no_inline;         /* physical functions only */
	bool merge_names;       /* callees of one name are one node, in whatever module, inlined
				   or not */
	bool only_kernel;       /* drop all frames but the kernel's, and samples without any */
	uint32_t only_module;   /* drop all frames but this module's, and samples without any;
				   0 = all */
	uint32_t hidden_module; /* drop this module's frames, keep their weight in the caller */
	uint32_t focus;         /* a function: only samples inside it, from its outermost call
				   on (inverted: its innermost, upwards); 0 = all */
	const regex_t *pattern; /* only samples inside a function it finds; borrowed; NULL = all */
	uint32_t series;        /* only this series' samples; 0 = the first that has samples by
				   the first update with any */
	struct thread_choice only; /* only these threads' samples */
	uint64_t from_ns, to_ns;   /* window; to_ns 0 = open end */
	/* What a sample weighs; 0 leaves it out. NULL = its own weight. */
	uint64_t (*weigh)(const void *context, const struct sample_row *sample);
	const void *weigh_context; /* borrowed */
};

struct tree_node {
	uint32_t parent;
	uint32_t function; /* TABLE_FUNCTIONS (of equal names and modules the first seen); 0 for the
			      root; TREE_THREAD: a row of TABLE_THREADS, 0 for a phase */
	uint32_t name;     /* strings; tree_node_name() also knows pids and "[no phase]" */
	uint32_t first_child, next_sibling; /* first-seen order; 0 = none */
	uint16_t depth;                     /* root 0 */
	uint16_t flags;                     /* TREE_* */
	uint64_t self;                      /* weight of samples that end here */
	uint64_t n_self;                    /* how many samples */
	uint64_t total;                     /* with everything below; after tree_update */
};

enum {
	TREE_KERNEL = 1,
	TREE_INLINED = 2,   /* inlined into its parent */
	TREE_RECURSIVE = 4, /* an ancestor has the same function: not added to inclusive sums */
	TREE_SPECIAL = 8,   /* [lost], [unknown: ...] */
	TREE_THREAD = 16,   /* a process, thread or phase, not a function */
	TREE_FOUND = 32,    /* tree_options.pattern finds it or what is above it */
};

struct tree;

/* tree_open: an empty tree over a recording; borrowed until tree_close. */
struct tree *tree_open(const struct recording *recording, const struct tree_options *options);
void tree_close(struct tree *tree);

/*
 * tree_update: take in what the recording has by now.
 * Returns  true if anything changed
 * Cost     new rows, plus 2 ns a node if anything changed; with TREE_ROOT_PHASE a sample costs a
 *          look-up more, and one again when a phase that it lies in comes to be known
 * Thread   any one reader
 */
bool tree_update(struct tree *tree);

/*
 * tree_forget: all weights become 0 and the next update begins with the samples from from_ns on;
 * nodes keep their ids and places, so a picture whose weights fade does not jump. For
 * tree_options.weigh that changes with time.
 * Cost  some ns a node, and what is newer
 */
void tree_forget(struct tree *tree, uint64_t from_ns);

/* Nodes 0 … n-1; node 0 is the root, its total the weight of everything. */
const struct tree_node *tree_nodes(const struct tree *tree, uint32_t *n);
/* tree_node_name: what to print for a node: "compress", "xz-4711/4712", "all" for the root. Written
 * to out or borrowed. */
const char *tree_node_name(const struct tree *tree, uint32_t node, char *out, size_t bytes);
const struct tree_options *tree_get_options(const struct tree *tree);
uint64_t tree_n_samples(const struct tree *tree);
/* The series shown (an id; 0 while there is none). */
uint32_t tree_series(const struct tree *tree);

/*
 * tree_place: the node that a sample of any series belongs to: where the series shown has samples
 * of that stack.
 * Returns  false if the tree does not show it (another window, thread, stack)
 */
bool tree_place(const struct tree *tree, const struct sample_row *sample, uint32_t *node);

/* tree_has_phases: false if nobody has told any: TREE_ROOT_PHASE then shows only "[no phase]". */
bool tree_has_phases(const struct tree *tree);

/* tree_bytes: memory it holds. */
size_t tree_bytes(const struct tree *tree);

/* tree_n_taken: rows of samples taken in so far, of any series. */
uint64_t tree_n_taken(const struct tree *tree);

/* One function over the whole tree: exclusive and inclusive weight. */
struct tree_function {
	uint32_t function; /* TABLE_FUNCTIONS (of equal names and modules the first seen); 0 for the
			      root; TREE_THREAD: a row of TABLE_THREADS */
	uint32_t name;     /* strings; tree_node_name() also knows pids */
	uint32_t flags;    /* enum function_flag */
	uint32_t module;
	uint64_t exclusive, inclusive, n_exclusive;
};

/*
 * tree_functions: functions sorted by exclusive weight, heaviest first.
 * Returns  how many were written to out (at most max)
 */
size_t tree_functions(const struct tree *tree, struct tree_function *out, size_t max);

#endif
