/* Stacks as text, sorted and summed. See fixture_stacks.h. */
#include "tests/fixture_stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/tree.h"

static void clean_name(char *out, const char *name)
{
	uint32_t c;
	for (size_t n; (n = text_decode(name, &c)) > 0; name += n) {
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == ';' || c == 0xfffd || c == 0x2028 ||
		    c == 0x2029) {
			*out++ = '?';
			continue;
		}
		memcpy(out, name, n);
		out += n;
	}
	*out = '\0';
}

char *stack_text(const char *const *leaf_first, size_t n)
{
	size_t bytes = 1;
	for (size_t i = 0; i < n; i++)
		bytes += strlen(leaf_first[i]) + 1;
	char *text = allocate(bytes, 1), *at = text;
	for (size_t i = n; i-- > 0;) {
		clean_name(at, leaf_first[i]);
		at += strlen(at);
		if (i > 0)
			*at++ = ';';
	}
	return text;
}

void stack_lines_add(struct stack_lines *lines, const char *text, uint64_t weight, uint64_t count)
{
	if (weight == 0 && count == 0) /* the same as not there */
		return;
	if (lines->n == lines->capacity) {
		lines->capacity = lines->capacity ? lines->capacity * 2 : 64;
		lines->lines = reallocate(lines->lines, lines->capacity, sizeof *lines->lines);
	}
	lines->lines[lines->n++] = (struct stack_line){ strdup(text), weight, count };
}

struct stack_lines stack_lines_of(const struct recording *recording, uint32_t series)
{
	struct stack_lines lines = { 0 };
	const struct tree_options options = { .series = series };
	struct tree *tree = tree_open(recording, &options);
	tree_update(tree);
	uint32_t n_nodes;
	const struct tree_node *nodes = tree_nodes(tree, &n_nodes);
	const char **names = allocate(n_nodes, sizeof *names);
	for (uint32_t i = 0; i < n_nodes; i++) {
		size_t depth = 0;
		if (nodes[i].n_self == 0)
			continue;
		for (uint32_t node = i; node; node = nodes[node].parent)
			names[depth++] = recording_string_at(recording, nodes[node].name);
		char *text = stack_text(names, depth);
		stack_lines_add(&lines, text, nodes[i].self, nodes[i].n_self);
		free(text);
	}
	free(names);
	tree_close(tree);
	return lines;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct stack_line *)a)->text, ((const struct stack_line *)b)->text);
}

static void sum(struct stack_lines *lines)
{
	if (lines->n == 0)
		return;
	qsort(lines->lines, lines->n, sizeof *lines->lines, compare);
	size_t n = 0;
	for (size_t i = 1; i < lines->n; i++) {
		if (compare(&lines->lines[n], &lines->lines[i]) != 0) {
			lines->lines[++n] = lines->lines[i];
			continue;
		}
		lines->lines[n].weight += lines->lines[i].weight;
		lines->lines[n].count += lines->lines[i].count;
		free(lines->lines[i].text);
	}
	lines->n = n + 1;
}

const char *stack_lines_difference(struct stack_lines *a, struct stack_lines *b, char by)
{
	static char text[1024], nothing[] = "(nothing)";
	sum(a);
	sum(b);
	for (size_t i = 0; i < a->n || i < b->n; i++) {
		const struct stack_line none = { nothing, 0, 0 };
		const struct stack_line *left = i < a->n ? &a->lines[i] : &none;
		const struct stack_line *right = i < b->n ? &b->lines[i] : &none;
		if (strcmp(left->text, right->text) == 0 &&
		    (by == 'c' || left->weight == right->weight) &&
		    (by == 'w' || left->count == right->count))
			continue;
		snprintf(text, sizeof text, "%.400s (%llu, %llu) is not %.400s (%llu, %llu)",
			 left->text, (unsigned long long)left->weight,
			 (unsigned long long)left->count, right->text,
			 (unsigned long long)right->weight, (unsigned long long)right->count);
		return text;
	}
	return NULL;
}

void stack_lines_free(struct stack_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->lines[i].text);
	free(lines->lines);
	*lines = (struct stack_lines){ 0 };
}
