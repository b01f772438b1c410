/*
 * The memory of tensors. In the arena a step costs no call to the allocator once its blocks are
 * there; with malloc every node, its data and its gradient are taken and freed one by one, as first
 * versions of such engines do.
 */
#include "workloads/support/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/random.h"
#include "workloads/support/tensor_tape.h"

enum {
	LINE_BYTES = 64,
	/* Larger than most tensors, so that little is lost at a block's end. */
	BLOCK_BYTES = 4 << 20,
};

size_t shape_count(const struct shape *shape)
{
	size_t n = 1;
	for (unsigned i = 0; i < shape->n_axes; i++)
		n *= shape->at[i];
	return n;
}

bool shape_equals(const struct shape *a, const struct shape *b)
{
	return a->n_axes == b->n_axes && memcmp(a->at, b->at, a->n_axes * sizeof a->at[0]) == 0;
}

size_t shape_last(const struct shape *shape)
{
	return shape->n_axes ? shape->at[shape->n_axes - 1] : 1;
}

static size_t to_lines(size_t bytes)
{
	return (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
}

static struct tape_block *block_new(size_t bytes)
{
	struct tape_block *block = allocate(1, sizeof *block);
	block->bytes = to_lines(bytes);
	block->memory = aligned_alloc(LINE_BYTES, block->bytes);
	if (!block->memory)
		die("no memory for %zu bytes of tensors", bytes);
	return block;
}

/* Blocks are used in order; one that has no room for a tensor is left behind until the reset. */
static void *take_from_arena(struct tape *tape, size_t bytes)
{
	while (tape->current && tape->current->used + bytes > tape->current->bytes &&
	       tape->current->next)
		tape->current = tape->current->next;
	if (!tape->current || tape->current->used + bytes > tape->current->bytes) {
		struct tape_block *block = block_new(bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES);
		*(tape->current ? &tape->current->next : &tape->first) = block;
		tape->current = block;
	}
	tape->current->used += bytes;
	return tape->current->memory + tape->current->used - bytes;
}

static void *take_from_malloc(struct tape *tape, size_t bytes)
{
	void *memory = aligned_alloc(LINE_BYTES, bytes);
	if (!memory)
		die("no memory for a tensor of %zu bytes", bytes);
	if (tape->n_taken == tape->most_taken) {
		tape->most_taken = tape->most_taken ? 2 * tape->most_taken : 256;
		tape->taken = reallocate(tape->taken, tape->most_taken, sizeof *tape->taken);
	}
	tape->taken[tape->n_taken++] = memory;
	return memory;
}

static void *take(struct tape *tape, size_t bytes)
{
	bytes = to_lines(bytes ? bytes : 1);
	tape->live_bytes += bytes;
	if (tape->live_bytes > tape->most_bytes)
		tape->most_bytes = tape->live_bytes;
	return tape->settings.memory == TAPE_ARENA ? take_from_arena(tape, bytes)
						   : take_from_malloc(tape, bytes);
}

float *tape_take(struct tape *tape, size_t n)
{
	return take(tape, n * sizeof(float));
}

void tape_precision(struct tape *tape, enum matmul_precision precision)
{
	matmul_room_precision(tape->room, precision);
}

struct tape *tape_new(const struct tape_settings *settings)
{
	struct tape *tape = allocate(1, sizeof *tape);
	tape->settings = *settings;
	tape->crew = crew_new(settings->n_threads, "tensor");
	tape->room = matmul_room_new(tape->crew, settings->matmul);
	tape_precision(tape, settings->precision);
	return tape;
}

void tape_reset(struct tape *tape)
{
	tape_scope(tape, NULL);
	for (size_t i = 0; i < tape->n_taken; i++)
		free(tape->taken[i]);
	for (struct tape_block *at = tape->first; at; at = at->next)
		at->used = 0;
	tape->current = tape->first;
	tape->n_taken = tape->n_tensors = tape->n_recorded = 0;
	tape->live_bytes = 0;
}

void tape_free(struct tape *tape)
{
	if (!tape)
		return;
	tape_reset(tape);
	while (tape->first) {
		struct tape_block *block = tape->first;
		tape->first = block->next;
		free(block->memory);
		free(block);
	}
	free(tape->taken);
	matmul_room_free(tape->room);
	crew_free(tape->crew);
	free(tape);
}

static struct tensor *new_node(struct tape *tape, struct shape shape)
{
	struct tensor *t = take(tape, sizeof *t);
	memset(t, 0, sizeof *t);
	t->shape = shape;
	t->n = shape_count(&shape);
	t->scope = tape->scope;
	tape->n_tensors++;
	return t;
}

struct tensor *tape_constant(struct tape *tape, struct shape shape, float *data)
{
	struct tensor *t = new_node(tape, shape);
	t->data = data;
	return t;
}

struct tensor *tape_tensor(struct tape *tape, struct shape shape)
{
	struct tensor *t = new_node(tape, shape);
	t->data = tape_take(tape, t->n);
	return t;
}

struct tensor *tape_record(struct tape *tape, struct tensor *out, const struct tensor_op *op)
{
	for (int i = 0; i < TENSOR_MOST_PARENTS; i++)
		out->needs_gradient |= out->parents[i] && out->parents[i]->needs_gradient;
	out->needs_gradient = out->needs_gradient && tape->n_pauses == 0;
	if (out->needs_gradient) {
		out->op = op;
		tape->n_recorded++;
	} else {
		memset(out->parents, 0, sizeof out->parents);
	}
	return out;
}

float *tape_gradient_fresh(struct tape *tape, struct tensor *t, bool *is_fresh)
{
	while (t->same)
		t = t->same;
	*is_fresh = !t->gradient;
	if (!t->gradient)
		t->gradient = tape_take(tape, t->n);
	return t->gradient;
}

float *tape_gradient(struct tape *tape, struct tensor *t)
{
	bool is_fresh;
	float *gradient = tape_gradient_fresh(tape, t, &is_fresh);
	if (is_fresh)
		memset(gradient, 0, t->n * sizeof *gradient);
	return gradient;
}

float *tape_gradient_or_none(struct tape *tape, struct tensor *t)
{
	return t->needs_gradient ? tape_gradient(tape, t) : NULL;
}

void tape_pause(struct tape *tape)
{
	tape->n_pauses++;
}

void tape_resume(struct tape *tape)
{
	if (tape->n_pauses == 0)
		die("a tape was resumed that was not paused");
	tape->n_pauses--;
}

struct crew *tape_crew(struct tape *tape)
{
	return tape->crew;
}

struct matmul_room *tape_matmul_room(struct tape *tape)
{
	return tape->room;
}

void tape_count(struct tape *tape, double flops, double bytes)
{
	tape->work.flops += flops;
	tape->work.bytes += bytes;
}

void tape_count_matmul(struct tape *tape, double flops, double bytes)
{
	tape->work.matmul_flops += flops;
	tape_count(tape, flops, bytes);
}

struct tape_work tape_work_done(const struct tape *tape)
{
	return tape->work;
}

size_t tape_live_bytes(const struct tape *tape)
{
	return tape->live_bytes;
}

size_t tape_most_bytes(const struct tape *tape)
{
	return tape->most_bytes;
}

size_t tape_count_tensors(const struct tape *tape)
{
	return tape->n_tensors;
}

enum { NAME_BYTES = 48 };

struct named {
	struct tensor *tensor;
	char name[NAME_BYTES];
};

struct parameters {
	struct named *named;
	size_t n, n_values;
};

struct parameters *parameters_new(void)
{
	return allocate(1, sizeof(struct parameters));
}

void parameters_free(struct parameters *parameters)
{
	if (!parameters)
		return;
	for (size_t i = 0; i < parameters->n; i++) {
		struct tensor *t = parameters->named[i].tensor;
		free(t->data);
		free(t->gradient);
		free(t);
	}
	free(parameters->named);
	free(parameters);
}

static float *take_values(size_t n)
{
	float *values = aligned_alloc(LINE_BYTES, to_lines(n * sizeof *values));
	if (!values)
		die("no memory for %zu weights", n);
	memset(values, 0, n * sizeof *values);
	return values;
}

struct tensor *parameters_add(struct parameters *parameters, const char *name, struct shape shape,
			      struct random *random, double deviation)
{
	struct tensor *t = allocate(1, sizeof *t);
	t->shape = shape;
	t->n = shape_count(&shape);
	t->data = take_values(t->n);
	t->gradient = take_values(t->n);
	t->needs_gradient = true;
	for (size_t i = 0; i < t->n && deviation > 0; i++)
		t->data[i] = (float)(deviation * random_normal(random));
	size_t n = parameters->n++;
	parameters->named = reallocate(parameters->named, n + 1, sizeof *parameters->named);
	parameters->named[n].tensor = t;
	snprintf(parameters->named[n].name, NAME_BYTES, "%s", name);
	parameters->n_values += t->n;
	return t;
}

void parameters_fill(struct tensor *parameter, float value)
{
	for (size_t i = 0; i < parameter->n; i++)
		parameter->data[i] = value;
}

void parameters_zero_gradients(struct parameters *parameters)
{
	for (size_t i = 0; i < parameters->n; i++) {
		struct tensor *t = parameters->named[i].tensor;
		memset(t->gradient, 0, t->n * sizeof *t->gradient);
	}
}

size_t parameters_count(const struct parameters *parameters)
{
	return parameters->n;
}

size_t parameters_total(const struct parameters *parameters)
{
	return parameters->n_values;
}

struct tensor *parameters_at(const struct parameters *parameters, size_t i)
{
	return parameters->named[i].tensor;
}

const char *parameters_name(const struct parameters *parameters, size_t i)
{
	return parameters->named[i].name;
}
