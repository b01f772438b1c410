/*
 * A sample costs one look-up of (root, stack); a stack never seen is spread into functions once,
 * from its nearest known caller on. Samples are taken in order and wait, all of them, while the
 * next one's frames have no names yet: that keeps the cursor one number.
 */
#include "sampler/tree.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/hash_map.h"
#include "sampler/phases.h"
#include "sampler/recording.h"
#include "sampler/tree_inside.h"

enum {
	MOST_DEPTH = 4096, /* a chain in a file can be deeper than any the unwinder makes */
	MOST_INLINED = 64,
	NODES_AT_ONCE = 1024,
	NODES_A_SAMPLE = 16, /* stacks are about 25 deep, most of it in the CPU's caches */
};

static uint32_t add_node(struct tree *tree, uint32_t parent, uint32_t function, uint32_t name,
			 uint16_t flags)
{
	if (tree->n_nodes == tree->capacity) {
		tree->capacity = tree->capacity ? tree->capacity * 2 : NODES_AT_ONCE;
		tree->nodes = reallocate(tree->nodes, tree->capacity, sizeof *tree->nodes);
		tree->last_children =
			reallocate(tree->last_children, tree->capacity, sizeof(uint32_t));
	}
	uint32_t id = tree->n_nodes++;
	tree->last_children[id] = 0;
	tree->nodes[id] = (struct tree_node){
		.parent = parent, .function = function, .name = name, .flags = flags
	};
	if (id == 0)
		return 0;
	struct tree_node *above = &tree->nodes[parent];
	tree->nodes[id].depth = above->depth < UINT16_MAX ? above->depth + 1 : UINT16_MAX;
	if (tree->last_children[parent])
		tree->nodes[tree->last_children[parent]].next_sibling = id;
	else
		above->first_child = id;
	tree->last_children[parent] = id;
	return id;
}

struct tree *tree_open(const struct recording *recording, const struct tree_options *options)
{
	struct tree *tree = allocate(1, sizeof *tree);
	tree->recording = recording;
	tree->options = *options;
	tree->series = options->series;
	tree->next_sample = 1;
	add_node(tree, 0, 0, 0, 0);
	return tree;
}

void tree_close(struct tree *tree)
{
	if (!tree)
		return;
	hash_map_free(&tree->children);
	hash_map_free(&tree->stacks);
	hash_map_free(&tree->functions);
	tree_phases_close(tree);
	free(tree->known);
	free(tree->sums);
	free(tree->nodes);
	free(tree->last_children);
	free(tree);
}

/* An inlined copy and the function itself are rows of their own, but one thing to look at. */
static uint32_t first_of_name(struct tree *tree, uint32_t function)
{
	const struct function_row *row = recording_function(tree->recording, function);
	uint32_t module = tree->options.merge_names ? 0 : row->module;
	uint64_t key = ((uint64_t)row->name << 32 | module) + 1;
	uint32_t *first = hash_map_at(&tree->functions, key);
	if (!*first)
		*first = function;
	return *first;
}

static bool is_above(const struct tree *tree, uint32_t node, uint32_t function)
{
	for (; node; node = tree->nodes[node].parent)
		if (tree->nodes[node].function == function &&
		    !(tree->nodes[node].flags & TREE_THREAD))
			return true;
	return false;
}

/* Kinds keep a thread, a function and its inlined twin under one parent apart. */
enum { KIND_FUNCTION, KIND_INLINED, KIND_THREAD };

static uint64_t child_key(uint32_t parent, uint32_t what, unsigned kind)
{
	/* Injective as long as ids stay below 2^31; `what` ids are rows of function size. */
	return (((uint64_t)parent << 32) | what) * 4 + kind + 1;
}

/* Names are looked at once a function, not once a node. */
static bool is_found(struct tree *tree, uint32_t function, uint32_t name)
{
	uint8_t *found = &tree->sums[function].found;
	if (!tree->options.pattern)
		return false;
	if (!*found)
		*found = regexec(tree->options.pattern, recording_string_at(tree->recording, name),
				 0, NULL, 0) == 0
				 ? 2
				 : 1;
	return *found == 2;
}

static uint32_t function_node(struct tree *tree, uint32_t parent, uint32_t function,
			      bool is_inlined)
{
	uint32_t first = first_of_name(tree, function);
	struct tree_node *above = &tree->nodes[parent];
	if (tree->options.fold_recursion && above->function == first &&
	    !(above->flags & TREE_THREAD) && parent != 0)
		return parent;
	bool is_apart = is_inlined && !tree->options.merge_names;
	uint64_t key = child_key(parent, first, is_apart ? KIND_INLINED : KIND_FUNCTION);
	uint32_t known = hash_map_get(&tree->children, key);
	if (known)
		return known;
	const struct function_row *row = recording_function(tree->recording, function);
	unsigned flags = is_inlined ? TREE_INLINED : 0;
	flags |= row->flags & FUNCTION_KERNEL ? TREE_KERNEL : 0;
	flags |= row->flags & FUNCTION_SPECIAL ? TREE_SPECIAL : 0;
	flags |= is_above(tree, parent, first) ? TREE_RECURSIVE : 0;
	flags |= above->flags & TREE_FOUND || is_found(tree, first, row->name) ? TREE_FOUND : 0;
	uint32_t node = add_node(tree, parent, first, row->name, (uint16_t)flags);
	*hash_map_at(&tree->children, key) = node;
	return node;
}

/* What tells roots apart: a name, a process, a thread or a phase. A process or thread under a new
 * name is a root of its own. */
static uint64_t root_key(const struct tree *tree, const struct sample_row *sample, uint32_t *name)
{
	enum tree_root root = tree->options.root;
	const struct thread_row *row = recording_thread(tree->recording, sample->thread);
	*name = root == TREE_ROOT_PHASE ? phases_at(tree->phases, sample->thread, sample->time_ns)
		: root == TREE_ROOT_PROCESS ? row->process_name
					    : row->name;
	if (root == TREE_ROOT_NAME || root == TREE_ROOT_PHASE)
		return child_key(0, *name, KIND_THREAD);
	return child_key(*name, root == TREE_ROOT_PROCESS ? row->pid : row->tid, KIND_THREAD);
}

uint32_t tree_root(struct tree *tree, const struct sample_row *sample)
{
	uint32_t name;
	if (tree->options.root == TREE_ROOT_NONE)
		return 0;
	uint64_t key = root_key(tree, sample, &name);
	uint32_t known = hash_map_get(&tree->children, key);
	if (known)
		return known;
	uint32_t row = tree->options.root == TREE_ROOT_PHASE ? 0 : sample->thread;
	uint32_t node = add_node(tree, 0, row, name, TREE_THREAD);
	*hash_map_at(&tree->children, key) = node;
	return node;
}

/* Functions at one frame, the real one first, then what is inlined in it. */
static size_t spread(const struct tree *tree, uint32_t frame, uint32_t *functions)
{
	const struct location_row *location = recording_location(tree->recording, frame);
	uint32_t inward[MOST_INLINED];
	size_t n = 0, n_out = 0;
	inward[n++] = location->function;
	for (uint32_t at = location->inlined_into; at && n < MOST_INLINED;) {
		const struct inline_row *row = recording_inline(tree->recording, at);
		inward[n++] = row->function;
		at = row->inlined_into;
	}
	while (n-- > 0) {
		functions[n_out++] = inward[n];
		if (tree->options.no_inline)
			break;
	}
	return n_out;
}

static bool is_hidden(const struct tree *tree, uint32_t frame)
{
	const struct tree_options *options = &tree->options;
	const struct frame_row *row = recording_frame(tree->recording, frame);
	if (row->flags & FRAME_KERNEL ? options->hide_kernel : options->only_kernel)
		return true;
	return (options->hidden_module && row->module == options->hidden_module) ||
	       (options->only_module && row->module != options->only_module);
}

/* An inlined copy is the same function. */
static bool is_focus(const struct tree *tree, uint32_t function)
{
	const struct function_row *row = recording_function(tree->recording, function);
	const struct function_row *focus = recording_function(tree->recording, tree->options.focus);
	return row->name == focus->name &&
	       (tree->options.merge_names || row->module == focus->module);
}

static uint32_t add_frame(struct tree *tree, uint32_t root, uint32_t node, uint32_t frame)
{
	uint32_t functions[MOST_INLINED];
	if (is_hidden(tree, frame))
		return node;
	size_t n = spread(tree, frame, functions);
	for (size_t i = 0; i < n; i++) {
		size_t at = tree->options.is_inverted ? n - 1 - i : i;
		if (tree->options.focus && node == root && !is_focus(tree, functions[at]))
			continue;
		node = function_node(tree, node, functions[at], at > 0);
	}
	return node;
}

static uint64_t stack_key(uint32_t root, uint32_t stack)
{
	return ((uint64_t)root << 32 | stack) + 1;
}

/* The node of a stack + 1; 0 if it has not been seen under this root. */
static uint32_t known_node(const struct tree *tree, uint32_t root, uint32_t stack)
{
	const struct known_stack *known = &tree->known[stack];
	if (known->root_plus_1 == root + 1)
		return known->node + 1;
	return known->root_plus_1 ? hash_map_get(&tree->stacks, stack_key(root, stack)) : 0;
}

static void remember_node(struct tree *tree, uint32_t root, uint32_t stack, uint32_t node)
{
	struct known_stack *known = &tree->known[stack];
	if (!known->root_plus_1)
		*known = (struct known_stack){ root + 1, node };
	else
		*hash_map_at(&tree->stacks, stack_key(root, stack)) = node + 1;
}

static void make_room(struct tree *tree)
{
	uint64_t n = tree->moment.n[TABLE_FUNCTIONS];
	if (n > tree->n_sums) {
		tree->sums = reallocate(tree->sums, n, sizeof *tree->sums);
		memset(tree->sums + tree->n_sums, 0, (n - tree->n_sums) * sizeof *tree->sums);
		tree->n_sums = n;
	}
	n = tree->moment.n[TABLE_STACKS];
	if (n <= tree->n_known)
		return;
	uint32_t n_before = tree->n_known;
	tree->n_known = (uint32_t)(n + n / 2);
	tree->known = reallocate(tree->known, tree->n_known, sizeof *tree->known);
	memset(tree->known + n_before, 0, (tree->n_known - n_before) * sizeof *tree->known);
}

/* Bottom-up: from the leaf to its callers; nothing is shared with the caller's own path. */
static bool walk_up(struct tree *tree, uint32_t root, uint32_t stack, uint32_t *node)
{
	uint32_t id = stack;
	for (int depth = 0; id && depth < MOST_DEPTH; depth++) {
		const struct stack_row *row = recording_stack(tree->recording, id);
		if (row->frame >= tree->moment.n[TABLE_LOCATIONS])
			return false;
		id = row->parent;
	}
	*node = root;
	id = stack;
	for (int depth = 0; id && depth < MOST_DEPTH; depth++) {
		const struct stack_row *row = recording_stack(tree->recording, id);
		*node = add_frame(tree, root, *node, row->frame);
		id = row->parent;
	}
	remember_node(tree, root, stack, *node);
	return true;
}

/* Top-down: from the nearest caller that is known. */
static bool walk_down(struct tree *tree, uint32_t root, uint32_t stack, uint32_t *node)
{
	uint32_t path[MOST_DEPTH];
	size_t n = 0;
	uint32_t known = 0, id = stack;
	while (id && n < MOST_DEPTH) {
		known = known_node(tree, root, id);
		if (known)
			break;
		const struct stack_row *row = recording_stack(tree->recording, id);
		if (row->frame >= tree->moment.n[TABLE_LOCATIONS])
			return false;
		path[n++] = id;
		id = row->parent;
	}
	*node = known ? known - 1 : root;
	while (n-- > 0) {
		const struct stack_row *row = recording_stack(tree->recording, path[n]);
		*node = add_frame(tree, root, *node, row->frame);
		remember_node(tree, root, path[n], *node);
	}
	return true;
}

bool tree_find(struct tree *tree, uint32_t root, uint32_t stack, uint32_t *node)
{
	uint32_t known = known_node(tree, root, stack);
	if (known) {
		*node = known - 1;
		return true;
	}
	return tree->options.is_inverted ? walk_up(tree, root, stack, node)
					 : walk_down(tree, root, stack, node);
}

static bool is_wanted(const struct tree *tree, const struct sample_row *sample)
{
	const struct tree_options *options = &tree->options;
	if (sample->time_ns < options->from_ns ||
	    (options->to_ns && sample->time_ns >= options->to_ns))
		return false;
	return thread_choice_takes(&options->only, tree->recording, sample->thread);
}

/* Does what is shown of a stack count? Nothing may be left of it, or nothing found in it. */
static bool is_kept(const struct tree *tree, uint32_t root, uint32_t node)
{
	const struct tree_options *options = &tree->options;
	if (options->pattern && !(tree->nodes[node].flags & TREE_FOUND))
		return false;
	return node != root || !(options->focus || options->only_module || options->only_kernel);
}

/* The function that a sample at this node was in: bottom-up it is the path's first. */
static void add_exclusive(struct tree *tree, uint32_t node, uint64_t weight, uint64_t n)
{
	if (tree->options.is_inverted)
		while (tree->nodes[node].parent &&
		       !(tree->nodes[tree->nodes[node].parent].flags & TREE_THREAD))
			node = tree->nodes[node].parent;
	if (node == 0 || tree->nodes[node].flags & TREE_THREAD)
		return;
	struct sum *sum = &tree->sums[tree->nodes[node].function];
	sum->exclusive += weight;
	sum->n_exclusive += n;
}

static bool counts_for_function(const struct tree *tree, uint32_t node)
{
	return node && !(tree->nodes[node].flags & (TREE_THREAD | TREE_RECURSIVE));
}

void tree_add_upwards(struct tree *tree, uint32_t node, uint64_t weight, uint64_t n)
{
	add_exclusive(tree, node, weight, n);
	for (;; node = tree->nodes[node].parent) {
		tree->nodes[node].total += weight;
		if (counts_for_function(tree, node))
			tree->sums[tree->nodes[node].function].inclusive += weight;
		if (node == 0)
			return;
	}
}

/* Many samples: children come after their parents, so one backward loop adds all of them up. */
static void sum_everything(struct tree *tree)
{
	memset(tree->sums, 0, tree->n_sums * sizeof *tree->sums);
	for (uint32_t i = 0; i < tree->n_nodes; i++)
		tree->nodes[i].total = tree->nodes[i].self;
	for (uint32_t i = tree->n_nodes; i-- > 1;) {
		const struct tree_node *node = &tree->nodes[i];
		tree->nodes[node->parent].total += node->total;
		if (counts_for_function(tree, i))
			tree->sums[node->function].inclusive += node->total;
		if (node->n_self)
			add_exclusive(tree, i, node->self, node->n_self);
	}
}

/* Of the events that have samples by now, the one that was asked for first. */
static uint32_t first_series(const struct tree *tree)
{
	uint32_t first = 0;
	for (uint64_t i = 1; i < tree->moment.n[TABLE_SAMPLES] && first != 1; i++) {
		uint32_t series = recording_sample(tree->recording, i)->series;
		if (!first || series < first)
			first = series;
	}
	return first;
}

bool tree_weigh(const struct tree *tree, uint64_t id, struct sample_row *sample)
{
	const struct tree_options *options = &tree->options;
	*sample = *recording_sample(tree->recording, id);
	if (sample->series != tree->series || !is_wanted(tree, sample))
		return false;
	if (options->weigh)
		sample->weight = options->weigh(options->weigh_context, sample);
	return sample->weight > 0 || !options->weigh;
}

uint64_t tree_most_upwards(const struct tree *tree)
{
	return tree->n_nodes / NODES_A_SAMPLE;
}

bool tree_update(struct tree *tree)
{
	bool has_phases = tree->options.root == TREE_ROOT_PHASE;
	tree->moment = recording_moment(tree->recording);
	if (!tree->series)
		tree->series = first_series(tree);
	make_room(tree);
	bool is_bulk = false, is_changed = has_phases && tree_phases_update(tree, &is_bulk);
	uint64_t n_new = tree->moment.n[TABLE_SAMPLES] - tree->next_sample;
	/* A step upwards costs a cache miss, one over all nodes a few bytes of a stream. */
	is_bulk |= n_new > tree_most_upwards(tree);
	while (tree->next_sample < tree->moment.n[TABLE_SAMPLES]) {
		struct sample_row sample;
		uint32_t node;
		if (tree_weigh(tree, tree->next_sample, &sample)) {
			uint32_t root = tree_root(tree, &sample);
			if (!tree_find(tree, root, sample.stack, &node))
				break;
			if (!is_kept(tree, root, node)) {
				tree->next_sample++;
				continue;
			}
			tree->nodes[node].self += sample.weight;
			tree->nodes[node].n_self += sample.count;
			tree->n_samples += sample.count;
			if (has_phases)
				tree->roots[tree->next_sample] = root;
			is_changed = true;
			if (!is_bulk)
				tree_add_upwards(tree, node, sample.weight, sample.count);
		}
		tree->next_sample++;
	}
	if (is_changed && is_bulk)
		sum_everything(tree);
	return is_changed;
}

/* Rows are nearly in time order: those of one slot are as they came, and slots may grow long. */
uint64_t tree_first_since(const struct tree *tree, uint64_t from_ns)
{
	static const uint64_t SLACK_NS = 2000000000;
	uint64_t id = tree->moment.n[TABLE_SAMPLES];
	while (id > 1 && recording_sample(tree->recording, id - 1)->time_ns + SLACK_NS >= from_ns)
		id--;
	return id > 1 ? id : 1;
}

void tree_forget(struct tree *tree, uint64_t from_ns)
{
	tree->moment = recording_moment(tree->recording);
	for (uint32_t i = 0; i < tree->n_nodes; i++)
		tree->nodes[i].self = tree->nodes[i].n_self = tree->nodes[i].total = 0;
	for (uint64_t i = 0; i < tree->n_sums; i++)
		tree->sums[i] = (struct sum){ .found = tree->sums[i].found };
	tree_phases_forget(tree);
	tree->next_sample = tree_first_since(tree, from_ns);
	tree->n_samples = 0;
}

bool tree_place(const struct tree *tree, const struct sample_row *sample, uint32_t *node)
{
	uint32_t name, root = 0;
	if (!is_wanted(tree, sample) || sample->stack >= tree->n_known)
		return false;
	if (tree->options.root == TREE_ROOT_PHASE && !tree->phases)
		return false;
	if (tree->options.root != TREE_ROOT_NONE) {
		root = hash_map_get(&tree->children, root_key(tree, sample, &name));
		if (!root)
			return false;
	}
	uint32_t known = known_node(tree, root, sample->stack);
	*node = known ? known - 1 : 0;
	return known && is_kept(tree, root, *node);
}
