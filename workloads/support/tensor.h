/*
 * tensor: arrays of floats that remember how they were computed, so that gradients can be carried
 * back through them (reverse mode, as in Wengert, "A simple automatic derivative evaluation
 * program", CACM 7, 1964).
 *
 * A tape holds all tensors of one step and forgets them at once; parameters and their gradients
 * live outside it. The operations are in autograd.h; start reading there.
 */
#ifndef WORKLOADS_SUPPORT_TENSOR_H
#define WORKLOADS_SUPPORT_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/support/crew.h"
#include "workloads/support/tensor_matmul.h"

struct crew;
struct probe_work;
struct random;
struct tape;
struct tensor;
struct tensor_device;

enum { SHAPE_MOST_AXES = 4, TENSOR_MOST_PARENTS = 4 };

/* Row-major; axes at the front that are missing count as 1. */
struct shape {
	unsigned n_axes;
	size_t at[SHAPE_MOST_AXES];
};

static inline struct shape shape_1(size_t a)
{
	return (struct shape){ 1, { a } };
}

static inline struct shape shape_2(size_t a, size_t b)
{
	return (struct shape){ 2, { a, b } };
}

static inline struct shape shape_3(size_t a, size_t b, size_t c)
{
	return (struct shape){ 3, { a, b, c } };
}

static inline struct shape shape_4(size_t a, size_t b, size_t c, size_t d)
{
	return (struct shape){ 4, { a, b, c, d } };
}

size_t shape_count(const struct shape *shape);
bool shape_equals(const struct shape *a, const struct shape *b);
/* shape_last: the length of the last axis; 1 without axes. */
size_t shape_last(const struct shape *shape);

/* How gradients go through an operation: read out->gradient, add to the parents' gradients. */
struct tensor_op {
	const char *name;
	void (*backward)(struct tape *tape, struct tensor *out);
};

struct tensor {
	struct shape shape;
	size_t n;
	float *data;
	float *gradient;            /* NULL until something is added to it */
	const struct tensor_op *op; /* NULL: a leaf */
	struct tensor *parents[TENSOR_MOST_PARENTS];
	struct tensor *same; /* another shape of this one: data and gradient are shared */
	bool needs_gradient;
	const char *scope;
	uint32_t mark; /* when the order of the backward pass was last made */
	/* What the operation wants to find again. */
	float scalar;
	float *saved;
	const int32_t *indices;
	const void *context; /* the operation's own; borrowed until tape_reset */
	size_t numbers[3];
};

/* Memory of a step, in the order of TAPE_MEMORY_CHOICES. */
enum tape_memory { TAPE_ARENA, TAPE_MALLOC };
#define TAPE_MEMORY_CHOICES "arena|malloc"

/* How the backward pass knows what it has visited, in the order of TAPE_ORDER_CHOICES. */
enum tape_order {
	TAPE_MARK, /* by a mark in the tensor */
	TAPE_SCAN, /* by searching the list of all visited: quadratic */
};
#define TAPE_ORDER_CHOICES "mark|scan"

/* On a device: when the program waits for it, in the order of TAPE_WAIT_CHOICES. */
enum tape_wait {
	TAPE_WAIT_PHASE, /* at the end of every phase, which so lasts as long as its work */
	TAPE_WAIT_STEP,  /* only for what is read; what a phase did is then unknown */
};
#define TAPE_WAIT_CHOICES "phase|step"

struct tape_settings {
	enum tape_memory memory;
	enum tape_order order;
	enum matmul_order matmul;
	enum matmul_precision precision;
	unsigned n_threads; /* 0 = one a CPU */
	enum crew_waits pool;
	bool reports_scopes; /* tape_scope begins and ends phases of probe.h */
	/* Where data, gradients and loops are; NULL: this processor. Borrowed until tape_free. */
	struct tensor_device *device;
	enum tape_wait wait;
};

struct tape *tape_new(const struct tape_settings *settings);
void tape_free(struct tape *tape);

/* tape_precision: of the matrix products from now on. */
void tape_precision(struct tape *tape, enum matmul_precision precision);

/* tape_reset: all tensors of the tape are void; the arena's memory is kept for the next step. */
void tape_reset(struct tape *tape);

/* tape_pause / tape_resume: operations between them are not recorded; no gradients. They nest. */
void tape_pause(struct tape *tape);
void tape_resume(struct tape *tape);

/*
 * tape_scope: the following operations belong to this layer, until the next scope or NULL. The
 * backward pass reports "back NAME" for them. The name is kept, not copied.
 */
void tape_scope(struct tape *tape, const char *name);

/* tape_constant: n values that need no gradient; borrowed until tape_reset, or copied to the
 * device. */
struct tensor *tape_constant(struct tape *tape, struct shape shape, float *data);

/* tape_read: the values of t, for this processor: without a device t->data itself, else a copy that
 * is void at tape_reset, after all that was started (zeros once the device has failed). */
const float *tape_read(struct tape *tape, const struct tensor *t);

/* tape_device: NULL: this processor. */
struct tensor_device *tape_device(const struct tape *tape);

/* tape_take: n floats where the tape works, aligned to a cache line, with whatever was in them;
 * void at tape_reset. NULL once the device has failed. */
float *tape_take(struct tape *tape, size_t n);

/* tape_tensor: a new tensor with room for its data; for operations. */
struct tensor *tape_tensor(struct tape *tape, struct shape shape);

/*
 * tape_record: out was made by op from its parents (already set). Whether it needs a gradient
 * follows from them and from tape_pause. Returns out.
 */
struct tensor *tape_record(struct tape *tape, struct tensor *out, const struct tensor_op *op);

/* tape_gradient: where to add t's gradient: zeroed the first time. */
float *tape_gradient(struct tape *tape, struct tensor *t);

/* tape_gradient_or_none: NULL when t needs none. */
float *tape_gradient_or_none(struct tape *tape, struct tensor *t);

/* tape_gradient_fresh: as tape_gradient, but the first time it is not zeroed and *is_fresh set. */
float *tape_gradient_fresh(struct tape *tape, struct tensor *t, bool *is_fresh);

/*
 * tape_backward: add d loss / d t to the gradient of every t the loss was made from.
 * loss  one element; seed with its own gradient 1
 * Cost  no recursion: a graph of any depth
 */
void tape_backward(struct tape *tape, struct tensor *loss);

/* tape_backward_from: the same from any tensor with a given gradient of out->n values. */
void tape_backward_from(struct tape *tape, struct tensor *out, const float *gradient);

struct crew *tape_crew(struct tape *tape);
struct matmul_room *tape_matmul_room(struct tape *tape);

/*
 * Exact work since the tape was made. A multiplication, addition, division, comparison or
 * elementary function counts as one FLOP; bytes are those of each operation's operands and results
 * as if each went to memory and back once.
 */
struct tape_work {
	double flops, bytes;
	double matmul_flops; /* of them in matrix products */
};

void tape_count(struct tape *tape, double flops, double bytes);
void tape_count_matmul(struct tape *tape, double flops, double bytes);
struct tape_work tape_work_done(const struct tape *tape);

/* tape_phase_work: the work since `before`, for the end of a phase; waits for the device, or is
 * unknown, as settings.wait says. */
struct probe_work tape_phase_work(struct tape *tape, const struct tape_work *before);

/* Memory of the tensors now and at most, and how many there are. */
size_t tape_live_bytes(const struct tape *tape);
size_t tape_most_bytes(const struct tape *tape);
size_t tape_count_tensors(const struct tape *tape);

/* The weights of a model: named leaves that outlive the tape. parameters.c */
struct parameters;

struct parameters *parameters_new(void);
void parameters_free(struct parameters *parameters);

/* parameters_add: normal values of the given deviation (0 = zeros) from `random`. The name is
 * copied (up to 47 bytes). */
struct tensor *parameters_add(struct parameters *parameters, const char *name, struct shape shape,
			      struct random *random, double deviation);
/* parameters_fill: set all values; not on a device. */
void parameters_fill(struct tensor *parameter, float value);
void parameters_zero_gradients(struct parameters *parameters);
size_t parameters_count(const struct parameters *parameters); /* tensors */
size_t parameters_total(const struct parameters *parameters); /* values */
/* parameters_at: its data and gradient are where the parameters are. */
struct tensor *parameters_at(const struct parameters *parameters, size_t i);
const char *parameters_name(const struct parameters *parameters, size_t i);

/* parameters_to_device: from now on data and gradients are there (NULL: nothing changes). The
 * device is borrowed until parameters_free; ask tensor_device_is_good whether they have arrived. */
void parameters_to_device(struct parameters *parameters, struct tensor_device *device);
struct tensor_device *parameters_device(const struct parameters *parameters);

/* parameters_get: copies of a tensor's data and gradient; NULL: not wanted. parameters_put: its
 * data from n floats at any address. */
void parameters_get(const struct parameters *parameters, size_t i, float *data, float *gradient);
void parameters_put(struct parameters *parameters, size_t i, const void *data);

#endif
