/*
 * tensor_matmul: C = A B or C += A B in single precision, by the fast way or by one of the slow
 * ways that people write first. Everything in the tensor engine that multiplies matrices goes
 * through here.
 */
#ifndef WORKLOADS_SUPPORT_TENSOR_MATMUL_H
#define WORKLOADS_SUPPORT_TENSOR_MATMUL_H

#include <stdbool.h>
#include <stddef.h>

struct crew;

/* The four orders of the loops, in the order of the choices MATMUL_CHOICES. */
enum matmul_order {
	MATMUL_PACKED,  /* tiles in registers, panels copied into the order of use */
	MATMUL_BLOCKED, /* i-p-j inside blocks that a cache holds */
	MATMUL_IPJ,     /* the innermost loop runs along rows */
	MATMUL_IJP,     /* the innermost loop walks B down its columns */
};

#define MATMUL_CHOICES "packed|blocked|ipj|ijp"

/* In the order of MATMUL_PRECISION_CHOICES. */
enum matmul_precision {
	MATMUL_F32,
	MATMUL_BF16, /* operands rounded to 8 bits of precision first, sums in f32 */
};

#define MATMUL_PRECISION_CHOICES "f32|bf16"

/* A matrix as a pointer and two steps, one of them 1: exchanging the steps transposes it. */
struct matmul_operand {
	const float *at;
	size_t row_step, column_step;
};

/* C (m,n) row-major with rows c_step apart; A (m,k); B (k,n). 2 m n k FLOPs. */
struct matmul {
	size_t m, n, k;
	struct matmul_operand a, b;
	float *c;
	size_t c_step;
	bool accumulates; /* C += */
};

/* Buffers for the panels, one set a thread of the crew. */
struct gemm_task;
struct matmul_room;

/* tensor_matmul_task: the same product as kernels know it. */
struct gemm_task tensor_matmul_task(const struct matmul *matmul);

struct matmul_room *matmul_room_new(struct crew *crew, enum matmul_order order);

/* matmul_room_precision: for the following products; bf16 needs MATMUL_PACKED, else it changes
 * nothing. */
void matmul_room_precision(struct matmul_room *room, enum matmul_precision precision);
void matmul_room_free(struct matmul_room *room);

/*
 * tensor_matmul_f32: by all threads of the crew when it is worth their waking.
 * The result does not depend on the number of threads: each element is summed by one of them, in
 * one order. It does depend on the order of the loops and the CPU's vector width, by rounding.
 * Thread  the crew's owner
 */
void tensor_matmul_f32(struct matmul_room *room, const struct matmul *matmul);

/* tensor_matmul_share: by the calling thread alone, which is `share` of a job of the crew. */
void tensor_matmul_share(struct matmul_room *room, unsigned share, const struct matmul *matmul);

#endif
