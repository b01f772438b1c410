/* Nodes are always this processor's; data and gradients are where the tape works. */
#include "workloads/support/tensor.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/probe.h"
#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/tape_run.h"
#include "workloads/support/tensor_tape.h"

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

static void *take(struct tape *tape, struct tensor_pool *pool, size_t bytes)
{
	bytes = tensor_pool_bytes(bytes);
	tape->live_bytes += bytes;
	if (tape->live_bytes > tape->most_bytes)
		tape->most_bytes = tape->live_bytes;
	return tensor_pool_take(pool, bytes);
}

float *tape_take(struct tape *tape, size_t n)
{
	return take(tape, tape->values, n * sizeof(float));
}

void *tape_host_take(struct tape *tape, size_t bytes)
{
	return take(tape, &tape->host, bytes);
}

void tape_precision(struct tape *tape, enum matmul_precision precision)
{
	matmul_room_precision(tape->room, precision);
}

struct tape *tape_new(const struct tape_settings *settings)
{
	struct tape *tape = allocate(1, sizeof *tape);
	tape->settings = *settings;
	tape->host.takes_each = tape->on_device.takes_each = settings->memory == TAPE_MALLOC;
	tape->on_device.device = settings->device;
	tape->values = settings->device ? &tape->on_device : &tape->host;
	tape->crew = crew_new_waiting(settings->n_threads, "tensor", settings->pool);
	tape->room = matmul_room_new(tape->crew, settings->matmul);
	tape_precision(tape, settings->precision);
	return tape;
}

void tape_reset(struct tape *tape)
{
	tape_scope(tape, NULL);
	tensor_pool_reset(&tape->host);
	tensor_pool_reset(&tape->on_device);
	tape->n_tensors = tape->n_recorded = 0;
	tape->live_bytes = 0;
}

void tape_free(struct tape *tape)
{
	if (!tape)
		return;
	tape_reset(tape);
	tensor_pool_free(&tape->host);
	tensor_pool_free(&tape->on_device);
	matmul_room_free(tape->room);
	crew_free(tape->crew);
	free(tape);
}

static struct tensor *new_node(struct tape *tape, struct shape shape)
{
	struct tensor *t = tape_host_take(tape, sizeof *t);
	memset(t, 0, sizeof *t);
	t->shape = shape;
	t->n = shape_count(&shape);
	t->scope = tape->scope;
	tape->n_tensors++;
	return t;
}

struct tensor *tape_wrap(struct tape *tape, struct shape shape, float *data)
{
	struct tensor *t = new_node(tape, shape);
	t->data = data;
	return t;
}

struct tensor *tape_constant(struct tape *tape, struct shape shape, float *data)
{
	if (tape->settings.device)
		data = (float *)tape_put(tape, data, shape_count(&shape) * sizeof *data);
	return tape_wrap(tape, shape, data);
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
		tape_clear(tape, gradient, t->n);
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

struct tensor_device *tape_device(const struct tape *tape)
{
	return tape->settings.device;
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

struct probe_work tape_phase_work(struct tape *tape, const struct tape_work *before)
{
	if (tape->settings.device && tape->settings.wait == TAPE_WAIT_STEP)
		return PROBE_UNKNOWN;
	if (tape->settings.device)
		tensor_device_wait(tape->settings.device);
	return (struct probe_work){ tape->work.flops - before->flops,
				    tape->work.bytes - before->bytes, NAN };
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
