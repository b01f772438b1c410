/*
 * tensor_loops: what the tensor engine does to every element of an array, and to every row, in
 * the widest vectors of this CPU.
 */
#ifndef WORKLOADS_SUPPORT_TENSOR_LOOPS_H
#define WORKLOADS_SUPPORT_TENSOR_LOOPS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/support/tensor_tasks.h"

struct crew;

/*
 * tensor_loop: run it over all n, by the crew's threads when n is worth their waking (crew may be
 * NULL). The result does not depend on the number of threads.
 */
void tensor_loop(struct crew *crew, const struct loop *loop);

/* tensor_loop_flops: an element, as its formula above is written; exp, tanh, a square root and a
 * comparison count as one each. */
double tensor_loop_flops(enum loop_kind kind);

/* tensor_sum: of n floats, in double, in blocks that do not depend on anything. */
double tensor_sum(const float *a, size_t n);

/* tensor_dot: the sum of a b. */
double tensor_dot(const float *a, const float *b, size_t n);

/* tensor_adam: one step of Adam. */
void tensor_adam(struct crew *crew, const struct adam_loop *loop);

#endif
