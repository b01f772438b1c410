/*
 * Both trees' nodes become paths of names; the weight of a path on a side is that of the side's
 * nodes that have it, added up when it is asked for, so that nothing is done of nodes that stay.
 * Names are interned apart from the recordings, since ids of two recordings mean nothing to each
 * other.
 */
#include "tui/flame_diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/table.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/hash_map.h"
#include "sampler/interner.h"
#include "sampler/recording.h"
#include "sampler/tree.h"

struct path {
	uint32_t parent;
	uint32_t first[N_COMPARED]; /* a node that has it + 1; 0 = none */
};

/* A side's nodes as paths. */
struct half {
	const struct recording *recording;
	const struct tree *tree; /* NULL: nothing of it is in this recording */
	struct hash_map names;   /* string -> name */
	uint32_t *paths, *twins; /* by node; twins: another node of its path + 1 */
	uint32_t n_nodes, capacity;
};

struct flame_diff {
	struct side sides[N_COMPARED];
	struct half halves[N_COMPARED];
	struct tree *tree; /* of A */
	struct table strings;
	struct interner names;
	struct hash_map children; /* path, name -> path */
	struct path *paths;       /* 0 = everything */
	uint32_t n_paths, capacity;
	bool is_joined;
	uint64_t gone; /* weight of A in paths that B has not, below one that it has */
};

/* ---- the same options for another recording */

static uint32_t find_series(const struct recording *from, uint32_t series,
			    const struct recording *to)
{
	const char *name = recording_string_at(from, recording_series(from, series)->name);
	uint64_t n = recording_moment(to).n[TABLE_SERIES];
	for (uint32_t i = 1; i < n; i++) {
		const struct series_row *row = recording_series(to, i);
		if (row->flags & SERIES_SAMPLES &&
		    strcmp(recording_string_at(to, row->name), name) == 0)
			return i;
	}
	return 0; /* its first: shares of other events compare all the same */
}

static uint32_t find_function(const struct recording *from, uint32_t function,
			      const struct recording *to)
{
	const char *name = recording_string_at(from, recording_function(from, function)->name);
	uint64_t n = recording_moment(to).n[TABLE_FUNCTIONS];
	for (uint32_t i = 1; i < n; i++)
		if (strcmp(recording_string_at(to, recording_function(to, i)->name), name) == 0)
			return i;
	return 0;
}

/* The same file, or one of that name elsewhere: another build. */
static uint32_t find_module(const struct recording *from, uint32_t module,
			    const struct recording *to)
{
	const char *path = recording_string_at(from, recording_module(from, module)->path);
	uint64_t n = recording_moment(to).n[TABLE_MODULES];
	uint32_t found = 0;
	for (uint32_t i = 1; i < n; i++) {
		const char *other = recording_string_at(to, recording_module(to, i)->path);
		if (strcmp(other, path) == 0)
			return i;
		if (!found && strcmp(text_base_name(other), text_base_name(path)) == 0)
			found = i;
	}
	return found;
}

/* A process has another number in each run: there it is those of its name. False: there is none. */
static bool find_process(const struct recording *from, const struct recording *to,
			 struct thread_choice *only)
{
	struct thread_choice wanted = *only;
	const char *name = NULL;
	*only = (struct thread_choice){ 0 };
	if (!thread_choice_is_set(&wanted))
		return true;
	for (uint64_t id = recording_moment(from).n[TABLE_THREADS]; !name && id-- > 1;)
		if (thread_choice_takes(&wanted, from, (uint32_t)id))
			name = recording_string_at(from, recording_thread(from, id)->process_name);
	for (uint64_t id = recording_moment(to).n[TABLE_THREADS]; name && id-- > 1;) {
		only->name = recording_thread(to, id)->process_name;
		if (strcmp(recording_string_at(to, only->name), name) == 0)
			return only->name != 0;
	}
	return false;
}

/* Returns false if nothing in A can be shown so. */
static bool translate(struct tree_options *options, const struct recording *from, uint32_t series,
		      const struct recording *to)
{
	uint32_t focus = options->focus, only = options->only_module;
	options->merge_names = true; /* so that a focus is found by its name alone */
	options->series = series ? find_series(from, series, to) : 0;
	options->focus = focus ? find_function(from, focus, to) : 0;
	options->only_module = only ? find_module(from, only, to) : 0;
	if (options->hidden_module)
		options->hidden_module = find_module(from, options->hidden_module, to);
	return find_process(from, to, &options->only) && (!focus || options->focus) &&
	       (!only || options->only_module);
}

static void open_a(struct flame_diff *diff, const struct view_context *context,
		   const struct tree *tree)
{
	const struct side *side = &diff->sides[COMPARE_A];
	struct tree_options options = *tree_get_options(tree);
	const struct recording *recording = side->is_other ? context->against : context->recording;
	options.weigh = NULL; /* decay is of what is live: A stays as it was */
	options.series = tree_series(tree);
	options.from_ns = side->from_ns;
	options.to_ns = side->to_ns;
	bool is_there = !side->is_other ||
			translate(&options, context->recording, tree_series(tree), recording);
	diff->tree = is_there ? tree_open(recording, &options) : NULL;
	diff->halves[COMPARE_A].recording = recording;
	diff->halves[COMPARE_A].tree = diff->tree;
}

struct flame_diff *flame_diff_open(const struct view_context *context,
				   const struct side sides[N_COMPARED], const struct tree *tree)
{
	struct flame_diff *diff = allocate(1, sizeof *diff);
	memcpy(diff->sides, sides, sizeof diff->sides);
	table_open(&diff->strings, 1);
	table_append(&diff->strings, NULL, 1);
	open_a(diff, context, tree);
	diff->halves[COMPARE_B].recording = context->recording;
	diff->halves[COMPARE_B].tree = tree;
	return diff;
}

void flame_diff_close(struct flame_diff *diff)
{
	if (!diff)
		return;
	for (int i = 0; i < N_COMPARED; i++) {
		hash_map_free(&diff->halves[i].names);
		free(diff->halves[i].paths);
		free(diff->halves[i].twins);
	}
	tree_close(diff->tree);
	table_close(&diff->strings);
	interner_free(&diff->names);
	hash_map_free(&diff->children);
	free(diff->paths);
	free(diff);
}

/* ---- paths */

/* A process without its number: it has another one in each run. */
static uint32_t name_of(struct flame_diff *diff, struct half *half, uint32_t string)
{
	uint32_t *known = hash_map_at(&half->names, (uint64_t)string + 1);
	if (*known)
		return *known;
	const char *name = recording_string_at(half->recording, string);
	if (!*name)
		name = string ? "[unnamed]" : "[no phase]";
	return *known = interner_string(&diff->names, &diff->strings, name, strlen(name));
}

static uint32_t child_of(struct flame_diff *diff, uint32_t parent, uint32_t name)
{
	uint32_t *known = hash_map_at(&diff->children, ((uint64_t)parent << 32 | name) + 1);
	if (*known)
		return *known;
	if (diff->n_paths == diff->capacity) {
		diff->capacity *= 2;
		diff->paths = reallocate(diff->paths, diff->capacity, sizeof *diff->paths);
	}
	diff->paths[diff->n_paths] = (struct path){ .parent = parent };
	return *known = diff->n_paths++;
}

static const struct tree_node *nodes_of(const struct half *half, uint32_t *n)
{
	*n = 0;
	return half->tree ? tree_nodes(half->tree, n) : NULL;
}

static uint64_t weight_of(const struct flame_diff *diff, int side, uint32_t path)
{
	uint32_t n;
	uint64_t weight = 0;
	const struct half *half = &diff->halves[side];
	const struct tree_node *nodes = nodes_of(half, &n);
	for (uint32_t at = diff->paths[path].first[side]; at; at = half->twins[at - 1])
		weight += nodes[at - 1].total;
	return weight;
}

/* B has the path now: it is not gone, but what A has below it is until that comes too. */
static void take_back(struct flame_diff *diff, uint32_t path)
{
	uint32_t n;
	const struct half *a = &diff->halves[COMPARE_A];
	const struct tree_node *nodes = nodes_of(a, &n);
	if (path > 0)
		diff->gone -= weight_of(diff, COMPARE_A, path);
	for (uint32_t at = diff->paths[path].first[COMPARE_A]; at; at = a->twins[at - 1])
		for (uint32_t i = nodes[at - 1].first_child; i; i = nodes[i].next_sibling)
			diff->gone += nodes[i].total;
}

/* Returns true if there were any new ones. */
static bool take_nodes(struct flame_diff *diff, int side)
{
	struct half *half = &diff->halves[side];
	uint32_t n, n_before = half->n_nodes;
	const struct tree_node *nodes = nodes_of(half, &n);
	if (n > half->capacity) {
		half->capacity = n + n / 2;
		half->paths = reallocate(half->paths, half->capacity, sizeof *half->paths);
		half->twins = reallocate(half->twins, half->capacity, sizeof *half->twins);
	}
	for (; half->n_nodes < n; half->n_nodes++) {
		uint32_t i = half->n_nodes;
		bool is_any = diff->is_joined && nodes[i].depth == 1;
		uint32_t path = 0;
		if (i > 0)
			path = child_of(diff, half->paths[nodes[i].parent],
					is_any ? 0 : name_of(diff, half, nodes[i].name));
		half->paths[i] = path;
		if (side == COMPARE_B && !diff->paths[path].first[side])
			take_back(diff, path);
		half->twins[i] = diff->paths[path].first[side];
		diff->paths[path].first[side] = i + 1;
	}
	return half->n_nodes > n_before;
}

static void start_paths(struct flame_diff *diff)
{
	hash_map_free(&diff->children);
	diff->children = (struct hash_map){ 0 };
	if (!diff->capacity) {
		diff->capacity = 1024;
		diff->paths = allocate(diff->capacity, sizeof *diff->paths);
	}
	diff->paths[0] = (struct path){ 0 };
	diff->n_paths = 1;
	diff->gone = 0;
	diff->halves[COMPARE_A].n_nodes = diff->halves[COMPARE_B].n_nodes = 0;
}

/* ---- first levels */

static bool has_first(struct flame_diff *diff, struct half *half, uint32_t name)
{
	uint32_t n;
	const struct tree_node *nodes = nodes_of(half, &n);
	for (uint32_t i = n ? nodes[0].first_child : 0; i; i = nodes[i].next_sibling)
		if (name_of(diff, half, nodes[i].name) == name)
			return true;
	return false;
}

/* Names of threads that nothing is the same of: `./new` is compared with `./old`. */
static bool must_join(struct flame_diff *diff)
{
	struct half *a = &diff->halves[COMPARE_A], *b = &diff->halves[COMPARE_B];
	enum tree_root root = tree_get_options(b->tree)->root;
	uint32_t n_a, n_b;
	const struct tree_node *of_a = nodes_of(a, &n_a), *of_b = nodes_of(b, &n_b);
	if (root == TREE_ROOT_NONE || root == TREE_ROOT_PHASE || !n_a || !of_a[0].first_child ||
	    !of_b[0].first_child)
		return false;
	for (uint32_t i = of_b[0].first_child; i; i = of_b[i].next_sibling)
		if (has_first(diff, a, name_of(diff, b, of_b[i].name)))
			return false;
	return true;
}

/* The same from the start, when A is another one. */
static void sum_gone(struct flame_diff *diff)
{
	diff->gone = 0;
	for (uint32_t i = 1; i < diff->n_paths; i++) {
		const struct path *path = &diff->paths[i];
		if (!path->first[COMPARE_B] && diff->paths[path->parent].first[COMPARE_B])
			diff->gone += weight_of(diff, COMPARE_A, i);
	}
}

void flame_diff_update(struct flame_diff *diff, const struct tree *tree)
{
	diff->halves[COMPARE_B].tree = tree;
	bool is_changed = diff->tree && tree_update(diff->tree); /* A */
	bool is_joined = must_join(diff);
	if (!diff->paths || is_joined != diff->is_joined) {
		diff->is_joined = is_joined;
		start_paths(diff);
	}
	is_changed |= take_nodes(diff, COMPARE_A);
	take_nodes(diff, COMPARE_B);
	if (is_changed)
		sum_gone(diff);
}

/* ---- asking */

struct flame_shares flame_diff_of(const struct flame_diff *diff, uint32_t node)
{
	struct flame_shares shares = { { NAN, NAN }, NAN };
	const struct half *b = &diff->halves[COMPARE_B];
	if (node >= b->n_nodes)
		return shares;
	for (int side = 0; side < N_COMPARED; side++) {
		double whole = (double)weight_of(diff, side, 0);
		if (whole > 0)
			shares.of[side] = (double)weight_of(diff, side, b->paths[node]) / whole;
	}
	shares.change = shares.of[COMPARE_B] - shares.of[COMPARE_A];
	return shares;
}

const struct side *flame_diff_sides(const struct flame_diff *diff)
{
	return diff->sides;
}

double flame_diff_gone(const struct flame_diff *diff)
{
	return (double)diff->gone / (double)weight_of(diff, COMPARE_A, 0);
}

bool flame_diff_joins(const struct flame_diff *diff)
{
	return diff->is_joined;
}

size_t flame_diff_bytes(const struct flame_diff *diff)
{
	if (!diff)
		return 0;
	return sizeof *diff + tree_bytes(diff->tree) + diff->capacity * sizeof *diff->paths +
	       hash_map_bytes(&diff->children) +
	       (diff->halves[COMPARE_A].capacity + diff->halves[COMPARE_B].capacity) * 2 *
		       sizeof(uint32_t);
}
